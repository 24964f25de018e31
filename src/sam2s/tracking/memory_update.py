"""Update the memory of objects with their masks: add them, withhold uncertain ones, or search for lost objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sam2s.memory import SearchRule
from sam2s.model import Segmentation

from .appearance import Appearance, compute_appearance
from .candidate_search import choose_candidate, evidence, find_candidates, taken_mask
from .frame_context import FrameContext
from .lost_and_found import Phase, SearchState, after_tracked, judge, search_due
from .object_segmenter import ObjectSegmenter, TrackedMask
from .object_track import ObjectTrack
from .presence import PresenceRule


def update_objects(
    segmenter: ObjectSegmenter,
    context: FrameContext,
    tracks: Sequence[ObjectTrack],
    found: Mapping[int, TrackedMask],
    others: Mapping[int, Segmentation | None],
    rule: PresenceRule,
) -> dict[int, Segmentation]:
    """Update objects with their masks on a frame; returns the answer that is shown for each.

    With a `SearchRule`, a tracked object still does not influence others. A lost object depends on the masks of the
    tracked objects, and on the appearance of other lost ones.

    Args:
        segmenter: the network.
        context: the frame.
        tracks: the objects that were segmented from memory.
        found: the mask of each, by id.
        others: answers of the other objects on the frame, by id; None where there is none.
        rule: of presence.
    """
    shown: dict[int, Segmentation] = {}
    lost: list[tuple[ObjectTrack, SearchRule, SearchState]] = []
    for track in tracks:
        own, search = found[track.object_id], track.bank.policy.search
        if search is None:
            shown[track.object_id] = track.add_to_memory(context, own, rule)
            continue
        appearance, amount = weigh_evidence(context, own.answer, track.search, rule)
        state = judge(search, track.search, visible=appearance is not None, evidence=amount)
        if state.lost:
            lost.append((track, search, state))
        else:
            shown[track.object_id] = accept_mask(track, context, own, rule, search, state, appearance, amount)
    sought = {track.object_id for track, search, state in lost if search_due(search, state)}
    if sought:
        taken = [taken_mask(answer) for answer in (*shown.values(), *others.values()) if answer is not None]
        candidates = find_candidates(lost[0][1], segmenter.model, context, rule)
        galleries = {track.object_id: state.gallery for track, _, state in lost}
    for track, search, state in lost:
        number, own = track.object_id, found[track.object_id]
        if number in sought:
            rivals = {i: gallery for i, gallery in galleries.items() if i != number}
            chosen, _ = choose_candidate(search, candidates, state.gallery, state.usual or 0.0, taken, rivals)
            if chosen is not None:
                entry = segmenter.compute_memory(context, chosen.answer, prompted=False)[0]
                own, state = TrackedMask(chosen.answer, entry), state.moved(Phase.TRACKED)
                amount = chosen.evidence(state.gallery)
                shown[number] = accept_mask(track, context, own, rule, search, state, chosen.appearance, amount)
                continue
        shown[number] = track.withhold_memory(context, own, rule, state)
    return shown


def weigh_evidence(
    context: FrameContext, answer: Segmentation, state: SearchState, rule: PresenceRule
) -> tuple[Appearance | None, float]:
    """Appearance of an answer, None if it is empty, and the evidence that it is the object, 0 to 1."""
    if not bool(answer.object_logit > 0) or not bool((answer.logits > 0).any()):
        return None, 0.0
    appearance = compute_appearance(context.features, answer)
    return appearance, evidence(answer, rule.probability(answer.object_logit), appearance, state.gallery)


def accept_mask(
    track: ObjectTrack,
    context: FrameContext,
    found: TrackedMask,
    rule: PresenceRule,
    search: SearchRule,
    state: SearchState,
    appearance: Appearance | None,
    amount: float,
) -> Segmentation:
    """Update an object that is not lost; its mask is added to memory unless it is uncertain."""
    if state.phase is Phase.UNCERTAIN:
        return track.withhold_memory(context, found, rule, state)
    answer = track.add_to_memory(context, found, rule)
    if appearance is not None:
        state = after_tracked(search, state, appearance, amount)
    track.set_search_state(state)
    return answer
