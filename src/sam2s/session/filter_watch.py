"""Why the DiveMem filter took or refused each frame, seen from outside while a tracker goes over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from sam2s.memory import MemoryBank, similarity
from sam2s.tracking import ObjectResult, ObjectState

Verdict = Literal["given", "candidate", "taken", "refused", "not remembered"]


@dataclass(frozen=True, slots=True)
class FilterDecision:
    """What became of a frame in the long-term memory of an object.

    Attributes:
        frame: its index.
        verdict: "given" by a person, so remembered anyway; a "candidate" that waits for the others; "taken" into
            long-term memory; "refused"; or "not remembered" at all, as on frames of doubt.
        reason: why, in words.
        iou: predicted IoU.
        presence: probability that the object is visible.
        likeness: of a candidate, cosine of its image to the latest long-term memory (Eq. 2 of SAM2S), else None.
        reference: of a candidate, index of that frame.
    """

    frame: int
    verdict: Verdict
    reason: str
    iou: float
    presence: float
    likeness: float | None = None
    reference: int | None = None


class FilterWatch:
    """Follows one object's memory bank, told of each frame after the tracker passed it.

    Attributes:
        bank: the memory bank.
        stride: frames from one that is processed to the next.
        decisions: so far, by index of the frame.
    """

    def __init__(self, bank: MemoryBank, stride: int = 1) -> None:
        self.bank, self.stride = bank, stride
        self.decisions: dict[int, FilterDecision] = {}
        self._candidates: list[int] = []
        self._remember()

    def passed(self, frame: int, result: ObjectResult, embedding: Tensor | None) -> None:
        """Note what became of a frame; `embedding` [1, C, h, w] is its image, None where nothing was looked at."""
        self.decisions[frame] = self._decide(frame, result, embedding)
        self._remember()

    def _remember(self) -> None:
        """Keep what the next frame will be compared with."""
        chosen = self.bank.filter
        self._count, self._reference = chosen.count, chosen.anchor if chosen.latest is None else chosen.latest
        frames = [entry.time * self.stride for entry in self.bank.long_term]
        given = [time * self.stride for time in self.bank.conditioning]
        self._held = set(frames)
        self._reference_frame = next(iter(frames[-1:] if chosen.latest is not None else given), None)

    def _decide(self, frame: int, result: ObjectResult, embedding: Tensor | None) -> FilterDecision:
        bank, policy = self.bank, self.bank.policy
        plain = FilterDecision(frame, "refused", "", result.iou, result.presence)
        if result.prompted:
            self._candidates = []
            return replace(
                plain, verdict="given", reason="a person pointed at the object, so it is a conditioning frame"
            )
        entry = bank.recent.get(frame // self.stride)
        if entry is None:
            self._candidates = []
            return replace(plain, verdict="not remembered", reason=_unremembered(result.state))
        if not policy.places:
            return replace(plain, reason="SAM 2 keeps no long-term memory")
        if not bank.filter.confident(entry):
            return replace(plain, reason=self._unconfident(entry.iou, entry.visible))
        if self._reference is None:
            return replace(plain, reason="the prompt to compare it with was taken back")
        compared = embedding if policy.similarity == "image" else entry.map
        assert compared is not None, "a frame that is remembered was looked at, and has its map"
        likeness = similarity(compared, self._reference)
        self._candidates.append(frame)
        number = len(self._candidates)
        candidate = replace(
            plain,
            verdict="candidate",
            reason=f"candidate {number} of {policy.candidates}",
            likeness=likeness,
            reference=self._reference_frame,
        )
        taken = {held.time * self.stride for held in bank.long_term} - self._held
        if not taken:
            return candidate
        self.decisions[frame] = candidate
        self._close(next(iter(taken)))
        return self.decisions[frame]

    def _close(self, taken: int) -> None:
        """Settle the candidates once one of them is taken."""
        for frame in self._candidates:
            decision = self.decisions[frame]
            if frame == taken:
                reason = f"the least like frame {decision.reference} of {len(self._candidates)} candidates"
                self.decisions[frame] = replace(decision, verdict="taken", reason=reason)
            else:
                reason = f"frame {taken} was less like frame {decision.reference}"
                self.decisions[frame] = replace(decision, verdict="refused", reason=reason)
        self._candidates = []

    def _unconfident(self, iou: float, visible: bool) -> str:
        policy = self.bank.policy
        threshold = policy.resolve(None).iou_threshold or 0.0
        begins_anew = ", so the candidates begin anew" if policy.consecutive and self._candidates else ""
        if policy.consecutive:
            for frame in self._candidates:
                self.decisions[frame] = replace(
                    self.decisions[frame], verdict="refused", reason="the row of confident frames broke off"
                )
            self._candidates = []
        if iou <= threshold:
            return f"predicted IoU {iou:.3f} is not above {threshold:.3f}{begins_anew}"
        return f"the network judged the object {'visible' if visible else 'absent'}{begins_anew}"


def _unremembered(state: ObjectState) -> str:
    reasons = {
        ObjectState.NOT_JUDGED: "the frame was not judged",
        ObjectState.UNCERTAIN: "too little spoke for its being the object",
        ObjectState.SEARCHING: "the object was lost and searched for",
    }
    return reasons.get(state, "the object was lost")
