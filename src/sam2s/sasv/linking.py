"""Joining the objects of successive frames to lasting ones, and saying how sure that is.

The authors of SA-SV joined automatically and then corrected by hand. We do the first half: every frame's objects are
assigned to those known so far (Hungarian method, category by category), doubtful links go on a review list, and
corrections (`patch.py`) do the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from sam2s.sasv.instances import Instance, merged
from sam2s.sasv.raw import LinkRules

_WEAK = 0.3  # a link with a lower score is doubtful
_CLOSE = 0.1  # so is one that beats its rival by less
_GROWTH = 3.0  # and one whose area changes by a larger factor
_REACH = 0.15  # distance, as a share of the frame's diagonal, at which nearness falls to 1/e


@dataclass
class _LinkedObject:
    """An object so far; `track` is the source's id, kept while frames without such ids continue the object."""

    id: int
    last: Instance
    time: int
    track: str | None


@dataclass
class Linker:
    """Gives lasting ids, frame by frame.

    Attributes:
        link: the rules of this video.
        size: (height, width) of its frames.
        link_stats: links by how they came about: `given` by the source, `clear`, `doubtful`; and, of the latter two,
            `bridged` over frames on which the object was not seen.
        review: doubtful links as {frame, id, reasons, score}.
    """

    link_rules: LinkRules
    size: tuple[int, int]
    link_stats: dict[str, int] = field(default_factory=lambda: {"given": 0, "clear": 0, "doubtful": 0, "bridged": 0})
    review: list[dict[str, Any]] = field(default_factory=list)
    _known: list[_LinkedObject] = field(default_factory=list)
    _time: int = 0  # annotated frames so far

    def step(self, frame: int, instances: Sequence[Instance]) -> list[int]:
        """Ids of a frame's instances, one id for all pieces of an object; frames come in order."""
        self._time += 1
        ids = [0] * len(instances)
        for i, instance in enumerate(instances):
            if instance.track is not None:
                ids[i] = self._given(instance)
        guessed = [i for i, instance in enumerate(instances) if instance.track is None]
        for category in dict.fromkeys(instances[i].category.name for i in guessed):
            group = [i for i in guessed if instances[i].category.name == category]
            for i, object_id in zip(group, self._assign(frame, [instances[i] for i in group]), strict=True):
                ids[i] = object_id
        return ids

    def _given(self, instance: Instance) -> int:
        for known in self._known:
            if known.track == instance.track and known.last.label == instance.label:
                self.link_stats["given"] += 1
                known.last, known.time = instance, self._time
                return known.id
        return self._new(instance)

    def _new(self, instance: Instance) -> int:
        self._known.append(_LinkedObject(len(self._known) + 1, instance, self._time, instance.track))
        return self._known[-1].id

    def _assign(self, frame: int, group: list[Instance]) -> list[int]:
        """Ids for one category's instances."""
        reach = math.inf if self.link_rules.by == "order" else self.link_rules.gap
        candidates = [
            k for k in self._known if k.last.category == group[0].category and 0 < self._time - k.time <= reach + 1
        ]
        scores = np.array([[self._score(k.last, instance) for instance in group] for k in candidates])
        scores = scores.reshape(len(candidates), len(group))
        ages = np.array([self._time - k.time - 1 for k in candidates])
        gate = self.link_rules.gate if self.link_rules.by == "overlap" else -math.inf
        # Of equally good candidates the one seen last is preferred.
        pairs = linear_sum_assignment(
            np.where(scores < gate, -1e3, scores - 0.001 * np.minimum(ages, 100)[:, None]), maximize=True
        )
        taken: dict[int, int] = {int(j): int(i) for i, j in zip(*pairs, strict=True) if scores[i, j] >= gate}
        ids = [0] * len(group)
        for j, i in taken.items():
            known, instance = candidates[i], group[j]
            self._judge(frame, known, instance, scores, i, j)
            known.last, known.time = instance, self._time
            ids[j] = known.id
        for j, instance in enumerate(group):
            if j not in taken:
                full = candidates and self._full(instance.label)
                ids[j] = self._add(frame, candidates, instance, scores[:, j]) if full else self._new(instance)
        return ids

    def _full(self, label: str) -> bool:
        """Whether there are as many objects of a label as there can be."""
        return sum(known.last.label == label for known in self._known) >= self.link_rules.most.get(label, math.inf)

    def _add(self, frame: int, candidates: list[_LinkedObject], piece: Instance, scores: np.ndarray) -> int:
        """Make a surplus piece part of the object that it fits best, and put it on the review list."""
        best = int(np.argmax(scores))
        known = candidates[best]
        known.last = merged(known.last, piece) if known.time == self._time else piece
        known.time = self._time
        self.link_stats["doubtful"] += 1
        score = round(float(scores[best]), 3)
        self.review.append({"frame": frame, "id": known.id, "reasons": ["surplus piece"], "score": score})
        return known.id

    def _score(self, before: Instance, now: Instance) -> float:
        """How likely two instances of one category are one object: 0 (not at all) to 1."""
        if self.link_rules.by == "order":
            return 1 - abs(before.centre[1] - now.centre[1]) / self.size[1]
        distance = math.dist(before.centre, now.centre) / (_REACH * math.hypot(*self.size))
        colour = 0.0
        if before.colour is not None and now.colour is not None:
            colour = float(np.sqrt(before.colour * now.colour).sum())  # Bhattacharyya coefficient
        size = min(before.area, now.area) / max(before.area, now.area)
        return 0.5 * overlap(before, now) + 0.25 * math.exp(-(distance**2)) + 0.15 * colour + 0.1 * size

    def _judge(self, frame: int, known: _LinkedObject, instance: Instance, scores: np.ndarray, i: int, j: int) -> None:
        """Count the link and put it on the review list if it is doubtful."""
        score = float(scores[i, j])
        others = np.concatenate([np.delete(scores[i], j), np.delete(scores[:, j], i)])
        ratio = max(instance.area, known.last.area) / min(instance.area, known.last.area)
        reasons = []
        if self.link_rules.by == "overlap" and score < _WEAK:
            reasons.append("weak")
        if others.size and score - others.max() < _CLOSE:
            reasons.append("ambiguous")
        if self.link_rules.by == "overlap" and ratio > _GROWTH:
            reasons.append("area jump")
        unseen = self._time - known.time - 1
        if unseen:
            self.link_stats["bridged"] += 1
            if reasons:
                reasons.append(f"unseen for {unseen} frames")
        self.link_stats["doubtful" if reasons else "clear"] += 1
        if reasons:
            self.review.append({"frame": frame, "id": known.id, "reasons": reasons, "score": round(score, 3)})


def overlap(a: Instance, b: Instance) -> float:
    """Intersection over union of two masks, looked at inside their boxes only."""
    (ay, ax), (by, bx) = a.corner, b.corner
    y0, x0 = max(ay, by), max(ax, bx)
    y1 = min(ay + a.crop.shape[0], by + b.crop.shape[0])
    x1 = min(ax + a.crop.shape[1], bx + b.crop.shape[1])
    if y0 >= y1 or x0 >= x1:
        return 0.0
    both = a.crop[y0 - ay : y1 - ay, x0 - ax : x1 - ax] & b.crop[y0 - by : y1 - by, x0 - bx : x1 - bx]
    common = int(np.count_nonzero(both))
    return common / (a.area + b.area - common)
