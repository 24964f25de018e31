"""How objects pass one frame: by the answer to a prompt, or found from memory, alone or as one batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sam2s.memory import Recall
from sam2s.model import Segmentation

from .frame_context import FrameContext
from .object_segmenter import ObjectSegmenter, TrackedMask
from .object_track import ObjectTrack
from .padded_segmenter import PaddedSegmenter
from .presence import PresenceRule
from .settling import settle


def pass_frame(
    segmenter: ObjectSegmenter,
    context: FrameContext,
    tracks: Iterable[ObjectTrack],
    prompted: Mapping[int, Segmentation],
    rule: PresenceRule,
    *,
    again: bool,
    batched: bool | PaddedSegmenter,
    judged: bool = True,
) -> dict[int, Segmentation | None]:
    """Let objects pass a frame; returns the answer of each that exists there, None for one that was not judged.

    Args:
        segmenter: the network.
        context: the frame.
        tracks: the objects.
        prompted: answers to prompts that were given just now.
        rule: of presence.
        again: the frame is stepped a second time; what was shown of objects without a new prompt holds.
        batched: objects whose memories have one shape go through the network together, or all by a padded segmenter.
        judged: False passes the frame without looking for objects; what was pointed at on it holds all the same.
    """
    time, answers, unknown = context.time, dict[int, Segmentation | None](), list[ObjectTrack]()
    for track in tracks:
        answer = prompted.get(track.object_id)
        if answer is not None:
            track.note_prompt(context, answer, rule)
        elif again and (shown := track.answer_at(time)):
            answer = shown
        elif not track.exists(context.frame.index, time, reverse=context.reverse):
            continue
        elif time in track.answers:
            answer = track.pass_prompt(segmenter, context, rule)
        else:
            unknown.append(track)
        answers[track.object_id] = answer
    if not judged:
        for track in unknown:
            track.pass_unjudged()
        return answers
    found = find_objects(segmenter, context, unknown, batched=batched)
    settled = settle(segmenter, context, unknown, found, answers, rule)
    return {object_id: answer or settled[object_id] for object_id, answer in answers.items()}


def find_objects(
    segmenter: ObjectSegmenter, context: FrameContext, tracks: Iterable[ObjectTrack], *, batched: bool | PaddedSegmenter
) -> dict[int, TrackedMask]:
    """Find objects on a frame from their memories; if `batched`, those whose memories have one shape together."""
    segment_batch = segmenter.segment_from_memory if isinstance(batched, bool) else batched.segment_from_memory
    groups = defaultdict[tuple[object, ...], dict[int, Recall]](dict)
    for track in tracks:
        recall = track.bank.recall(context.time, reverse=context.reverse, pointer_limit=segmenter.pointer_limit)
        shape: tuple[object, ...] = ()
        if isinstance(batched, bool):
            shape = (recall.slots, recall.distances) if batched else (track.object_id,)
        groups[shape][track.object_id] = recall
    found: dict[int, TrackedMask] = {}
    for recalls in groups.values():
        found |= zip(recalls, segment_batch(context, list(recalls.values())), strict=True)
    return found
