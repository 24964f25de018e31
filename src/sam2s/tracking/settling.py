"""What becomes of the answers from memory: remembered, shown in doubt, or dropped and the object looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sam2s.memory import SearchRule
from sam2s.model import Segmentation

from .appearance import Appearance, describe
from .candidate_search import choose_candidate, evidence, find_candidates, taken_mask
from .frame_context import FrameContext
from .lost_and_found import Phase, SearchState, after_tracked, judge, search_due
from .object_segmenter import ObjectSegmenter, TrackedMask
from .object_track import ObjectTrack
from .presence import PresenceRule


def settle(
    segmenter: ObjectSegmenter,
    context: FrameContext,
    tracks: Sequence[ObjectTrack],
    found: Mapping[int, TrackedMask],
    others: Mapping[int, Segmentation | None],
    rule: PresenceRule,
) -> dict[int, Segmentation]:
    """Let objects take in what was found of them; returns what is shown of each.

    Where lost objects are sought, one that is tracked changes nothing of another. One that is lost heeds the masks of
    those that are tracked, and only those.

    Args:
        segmenter: the network.
        context: the frame.
        tracks: the objects that were looked for.
        found: what was found of each, from its memory.
        others: answers for the other objects on the frame; None for objects of which there is none.
        rule: of presence.
    """
    shown: dict[int, Segmentation] = {}
    lost: list[tuple[ObjectTrack, SearchRule, SearchState]] = []
    for track in tracks:
        own, search = found[track.object_id], track.bank.policy.search
        if search is None:
            shown[track.object_id] = track.remember(context, own, rule)
            continue
        appearance, amount = weigh(context, own.answer, track.search, rule)
        state = judge(search, track.search, visible=appearance is not None, evidence=amount)
        if state.lost:
            lost.append((track, search, state))
        else:
            shown[track.object_id] = take(track, context, own, rule, search, state, appearance, amount)
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
                shown[number] = take(track, context, own, rule, search, state, chosen.appearance, amount)
                continue
        shown[number] = track.doubt(context, own, rule, state)
    return shown


def weigh(
    context: FrameContext, answer: Segmentation, state: SearchState, rule: PresenceRule
) -> tuple[Appearance | None, float]:
    """What an answer shows, None if nothing, and the evidence for its being the object."""
    if not bool(answer.object_logit > 0) or not bool((answer.logits > 0).any()):
        return None, 0.0
    appearance = describe(context.features, answer)
    return appearance, evidence(answer, rule.probability(answer.object_logit), appearance, state.gallery)


def take(
    track: ObjectTrack,
    context: FrameContext,
    found: TrackedMask,
    rule: PresenceRule,
    search: SearchRule,
    state: SearchState,
    appearance: Appearance | None,
    amount: float,
) -> Segmentation:
    """Let an object that is not lost take in its mask: it is remembered where it is certain."""
    if state.phase is Phase.UNCERTAIN:
        return track.doubt(context, found, rule, state)
    answer = track.remember(context, found, rule)
    if appearance is not None:
        state = after_tracked(search, state, appearance, amount)
    track.learn(state)
    return answer
