"""One step of all objects: answered by a prompt, or segmented from memory, one by one or as a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sam2s.memory import Recall
from sam2s.model import Segmentation

from .frame_context import FrameContext
from .memory_update import update_objects
from .object_segmenter import ObjectSegmenter, TrackedMask
from .object_track import ObjectTrack
from .padded_segmenter import PaddedSegmenter
from .presence import PresenceRule


def step_objects(
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
    """Step all objects over a frame; returns the answer of each that exists there, None if it was not judged.

    Args:
        segmenter: the network.
        context: the frame.
        tracks: the objects.
        prompted: answers to prompts given for this step, by id.
        rule: of presence.
        again: the frame is stepped a second time; objects without a new prompt keep their answer.
        batched: batch objects whose memories have the same shape, or all of them in a padded segmenter.
        judged: False skips segmentation from memory; prompts on the frame are still answered.
    """
    time, answers, unknown = context.time, dict[int, Segmentation | None](), list[ObjectTrack]()
    for track in tracks:
        answer = prompted.get(track.object_id)
        if answer is not None:
            track.update_from_prompt(context, answer, rule)
        elif again and (shown := track.answer_at(time)):
            answer = shown
        elif not track.exists(context.frame.index, time, reverse=context.reverse):
            continue
        elif time in track.answers:
            answer = track.apply_prompt(segmenter, context, rule)
        else:
            unknown.append(track)
        answers[track.object_id] = answer
    if not judged:
        for track in unknown:
            track.skip_frame()
        return answers
    found = segment_objects(segmenter, context, unknown, batched=batched)
    updated = update_objects(segmenter, context, unknown, found, answers, rule)
    return {object_id: answer or updated[object_id] for object_id, answer in answers.items()}


def segment_objects(
    segmenter: ObjectSegmenter, context: FrameContext, tracks: Iterable[ObjectTrack], *, batched: bool | PaddedSegmenter
) -> dict[int, TrackedMask]:
    """Segment objects on a frame from memory; if `batched`, those whose memories have the same shape together."""
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
