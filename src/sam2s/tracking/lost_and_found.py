"""Whether an object is still the one that is tracked: a small state machine of four phases, pure functions of records.

tracked    seen for certain; remembered
uncertain  there is a mask, but too little speaks for it; not remembered
absent     no mask; not remembered
searching  absent for a while, and looked for all over the picture; not remembered
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

import torch

from sam2s.memory import SearchRule
from sam2s.model import NO_OBJECT_LOGIT, Segmentation

from .appearance import Appearance, Gallery
from .presence import ObjectState

ABSENT_LOGIT = 10.0
"""Presence of an object that was decided to be lost is the sigmoid of minus this, or what the network says below it."""


class Phase(StrEnum):
    """Where an object stands."""

    TRACKED = "tracked"
    UNCERTAIN = "uncertain"
    ABSENT = "absent"
    SEARCHING = "searching"


@dataclass(frozen=True, slots=True, eq=False)
class SearchState:
    """What is known of an object after a frame.

    Attributes:
        phase: where it stands.
        frames: frames it has stood there, this one included.
        usual: evidence for it that is usual while it is tracked; None before any was learned.
        learned: tracked frames since it was pointed at last.
        gallery: what it has looked like.
    """

    phase: Phase = Phase.TRACKED
    frames: int = 0
    usual: float | None = None
    learned: int = 0
    gallery: Gallery = field(default_factory=Gallery)

    def moved(self, phase: Phase) -> SearchState:
        """The state after another frame, in this phase."""
        return replace(self, phase=phase, frames=self.frames + 1 if phase is self.phase else 1)

    @property
    def lost(self) -> bool:
        """Whether the object has no mask."""
        return self.phase in (Phase.ABSENT, Phase.SEARCHING)

    def object_state(self, presence: ObjectState) -> ObjectState:
        """What the caller is told, where presence alone would say `presence`."""
        if self.phase is Phase.TRACKED:
            return presence
        if self.phase is Phase.ABSENT:
            return ObjectState.OCCLUDED if presence is ObjectState.OCCLUDED else ObjectState.ABSENT
        return ObjectState.UNCERTAIN if self.phase is Phase.UNCERTAIN else ObjectState.SEARCHING


def after_prompt(rule: SearchRule, state: SearchState, appearance: Appearance | None) -> SearchState:
    """The state after a person pointed at the object, or said with an empty mask that it is not there (None)."""
    if appearance is None:
        return state.moved(Phase.ABSENT)
    gallery = state.gallery.with_given(appearance, rule.places)
    return replace(state.moved(Phase.TRACKED), learned=0, gallery=gallery)


def judge(rule: SearchRule, state: SearchState, *, visible: bool, evidence: float) -> SearchState:
    """The state after a frame on which the tracker answered from memory.

    Args:
        rule: the numbers.
        state: before the frame.
        visible: whether the network takes the object for present and gives a mask with pixels.
        evidence: for the mask: predicted IoU times presence times likeness.
    """
    if state.usual is None or (state.learned < rule.learn and not state.lost):
        return state.moved(Phase.TRACKED if visible else Phase.ABSENT)
    share = evidence / state.usual if state.usual > 0 else 1.0
    if state.lost:
        if visible and share >= rule.take:
            return state.moved(Phase.TRACKED)
        waited = state.phase is Phase.SEARCHING or state.frames >= rule.wait
        return state.moved(Phase.SEARCHING if waited else Phase.ABSENT)
    if not visible:
        return state.moved(Phase.ABSENT)
    if share >= rule.hold:
        return state.moved(Phase.TRACKED)
    spent = state.phase is Phase.UNCERTAIN and state.frames >= rule.patience
    return state.moved(Phase.ABSENT if spent or rule.patience == 0 else Phase.UNCERTAIN)


def search_due(rule: SearchRule, state: SearchState) -> bool:
    """Whether the whole picture is searched for the object on this frame."""
    return state.phase is Phase.SEARCHING and (state.frames - 1) % rule.every == 0


def without_object(answer: Segmentation) -> Segmentation:
    """The answer that the object is not there: no mask, and no presence."""
    nothing = torch.full_like(answer.logits, NO_OBJECT_LOGIT)
    return replace(answer, logits=nothing, object_logit=-answer.object_logit.abs().clamp(min=ABSENT_LOGIT))


def after_tracked(rule: SearchRule, state: SearchState, appearance: Appearance, evidence: float) -> SearchState:
    """Learn from a frame on which the object was tracked for certain: what is usual, and what it looks like.

    Nothing is learned from the first frames after it was found again, which may turn out to be those of another thing.
    """
    if state.learned >= rule.learn and state.frames <= rule.probation:
        return state
    usual = evidence if state.usual is None else 0.9 * state.usual + 0.1 * evidence
    gallery = state.gallery.with_seen(appearance, rule.places)
    return replace(state, usual=usual, learned=state.learned + 1, gallery=gallery)
