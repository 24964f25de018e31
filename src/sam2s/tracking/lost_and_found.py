"""State machine for lost objects, with four phases, as pure functions of frozen records.

tracked    tracked with certainty; memory is updated
uncertain  there is a mask, but too little evidence for it; memory is not updated
absent     no mask; memory is not updated
searching  absent for a while, and searched for in the whole frame; memory is not updated
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
"""The object score of a lost object is set to minus this, unless the network predicts a lower one."""


class Phase(StrEnum):
    """Phase of an object."""

    TRACKED = "tracked"
    UNCERTAIN = "uncertain"
    ABSENT = "absent"
    SEARCHING = "searching"


@dataclass(frozen=True, slots=True, eq=False)
class SearchState:
    """State of an object after a frame.

    Attributes:
        phase: its phase.
        frames: number of frames in this phase, this one included.
        usual: moving average of its evidence while it is tracked; None before the first.
        learned: tracked frames since its latest prompt.
        gallery: its earlier appearances.
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
        """The state to report, given the state that presence alone suggests."""
        if self.phase is Phase.TRACKED:
            return presence
        if self.phase is Phase.ABSENT:
            return ObjectState.OCCLUDED if presence is ObjectState.OCCLUDED else ObjectState.ABSENT
        return ObjectState.UNCERTAIN if self.phase is Phase.UNCERTAIN else ObjectState.SEARCHING


def after_prompt(rule: SearchRule, state: SearchState, appearance: Appearance | None) -> SearchState:
    """The state after a prompt; `appearance` is None for an empty mask, which states that the object is absent."""
    if appearance is None:
        return state.moved(Phase.ABSENT)
    gallery = state.gallery.with_given(appearance, rule.places)
    return replace(state.moved(Phase.TRACKED), learned=0, gallery=gallery)


def judge(rule: SearchRule, state: SearchState, *, visible: bool, evidence: float) -> SearchState:
    """The state after a frame that was segmented from memory.

    Args:
        rule: the thresholds.
        state: the state before the frame.
        visible: whether the object is predicted as present with a mask that is not empty.
        evidence: of the mask: predicted IoU times presence times similarity.
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
    """Whether the object is searched for in the whole frame on this frame."""
    return state.phase is Phase.SEARCHING and (state.frames - 1) % rule.every == 0


def without_object(answer: Segmentation) -> Segmentation:
    """The answer changed to an absent object: an empty mask and a low object score."""
    nothing = torch.full_like(answer.logits, NO_OBJECT_LOGIT)
    return replace(answer, logits=nothing, object_logit=-answer.object_logit.abs().clamp(min=ABSENT_LOGIT))


def after_tracked(rule: SearchRule, state: SearchState, appearance: Appearance, evidence: float) -> SearchState:
    """Update the usual evidence and the gallery after a frame on which the object was tracked with certainty.

    They are not updated on the first frames after a lost object was found, since the match may be wrong.
    """
    if state.learned >= rule.learn and state.frames <= rule.probation:
        return state
    usual = evidence if state.usual is None else 0.9 * state.usual + 0.1 * evidence
    gallery = state.gallery.with_seen(appearance, rule.places)
    return replace(state, usual=usual, learned=state.learned + 1, gallery=gallery)
