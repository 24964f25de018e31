"""What happens while an object is away: false masks, false claims of presence, and how well it is found again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sam2s.evaluation.sequence import FrameScore, ObjectScore

LENGTHS = (1, 5, 20, 100)
"""Lower bounds, in frames of the video, of the groups into which absences are sorted."""
AFTER = 10
"""Most annotated frames after a return that count for it."""


class PresenceCounts(NamedTuple):
    """Right and wrong claims that an object is in the picture, counted in frames.

    Attributes:
        both: truth and prediction show it.
        only_pred: only the prediction does.
        only_gt: only the truth does.
        neither: both agree that it is absent.
    """

    both: int
    only_pred: int
    only_gt: int
    neither: int = 0

    @property
    def precision(self) -> float:
        """Part of the claims that are right; NaN if nothing was claimed."""
        return _part(self.both, self.both + self.only_pred)

    @property
    def recall(self) -> float:
        """Part of the appearances that were claimed; NaN if it never appears."""
        return _part(self.both, self.both + self.only_gt)

    @property
    def absent(self) -> int:
        """Frames on which the truth lacks the object."""
        return self.only_pred + self.neither

    @property
    def false_positive_rate(self) -> float:
        """Part of the frames without the object on which it is claimed; NaN if it is never absent."""
        return _part(self.only_pred, self.absent)

    @property
    def miss_rate(self) -> float:
        """Part of the frames with the object on which it is not claimed; NaN if it never appears."""
        return _part(self.only_gt, self.both + self.only_gt)


class Reentry(NamedTuple):
    """One return of one object.

    Attributes:
        absence: frames of the video from the last annotated frame with the object to its return, less one.
        j: mean J of the annotated frames after the return.
        f: mean F of them.
    """

    absence: int
    j: float
    f: float

    @property
    def jf(self) -> float:
        """J&F, the mean of J and F."""
        return (self.j + self.f) / 2


@dataclass(frozen=True)
class ReentryGroup:
    """Returns after absences of similar length.

    Attributes:
        shortest: least length of an absence, in frames.
        longest: greatest length, None without limit.
        returns: their number.
        jf: mean J&F, NaN without any.
    """

    shortest: int
    longest: int | None
    returns: int
    jf: float

    @property
    def label(self) -> str:
        """The range of lengths, such as "5-19"."""
        return f"{self.shortest}-{self.longest}" if self.longest else f"{self.shortest}+"


def presence(frame_scores: Iterable[FrameScore]) -> PresenceCounts:
    """Count on how many frames masks claimed presence rightly, wrongly, or missed it.

    Example: shown by the truth on frames 1, 2, 3 and by the prediction on 2, 3, 4: precision 2/3, recall 2/3.
    """
    return count_claims((score.in_gt, score.in_pred) for score in frame_scores)


def count_claims(pairs: Iterable[tuple[bool, bool]]) -> PresenceCounts:
    """Count pairs of (is in the truth, is claimed)."""
    flags = [(bool(truth), bool(claim)) for truth, claim in pairs]
    return PresenceCounts(
        flags.count((True, True)), flags.count((False, True)), flags.count((True, False)), flags.count((False, False))
    )


def add_presence(counts: Iterable[PresenceCounts]) -> PresenceCounts:
    """Add up the counts of several objects."""
    return PresenceCounts(*np.sum([tuple(count) for count in counts] or [(0,) * 4], axis=0, dtype=int).tolist())


def reentries(score: ObjectScore, indices: Sequence[int]) -> list[Reentry]:
    """Find the returns of an object among its counted frames, and how well each went.

    After a return the annotated frames count up to the next absence, `AFTER` of them at most.

    Args:
        score: the object.
        indices: by counted frame, its index in the video.

    Example: seen on frames 0, 1, absent on 2, 3, 4, seen on 5, 6: one return after an absence of 3 frames.
    """
    returns: list[Reentry] = []
    visible = [frame.in_gt for frame in score.frame_scores]
    for k in range(1, len(visible)):
        if not visible[k] or visible[k - 1]:
            continue
        last = next((m for m in range(k - 1, -1, -1) if visible[m]), None)
        stop = next((m for m in range(k, len(visible)) if not visible[m]), len(visible))
        frames = score.frame_scores[k : min(stop, k + AFTER)]
        absence = indices[k] - (indices[0] if last is None else indices[last] + 1)
        returns.append(
            Reentry(max(absence, 1), float(np.mean([f.j for f in frames])), float(np.mean([f.f for f in frames])))
        )
    return returns


def group_reentries(returns: Iterable[Reentry]) -> list[ReentryGroup]:
    """Sort returns by the length of the absence; every group is there, also an empty one."""
    all_returns = list(returns)
    groups = []
    for shortest, above in zip(LENGTHS, (*LENGTHS[1:], None), strict=True):
        jf = [r.jf for r in all_returns if r.absence >= shortest and (above is None or r.absence < above)]
        mean = float(np.mean(jf)) if jf else float("nan")
        groups.append(ReentryGroup(shortest, None if above is None else above - 1, len(jf), mean))
    return groups


def _part(count: int, total: int) -> float:
    return count / total if total else float("nan")
