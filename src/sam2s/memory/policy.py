"""Which frames to remember, in one frozen record: the rules of SAM 2 and DiveMem, and choices the paper leaves open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Literal

from sam2s.errors import ConfigError

from .entry import CONDITIONING_SLOT
from .search_rule import SearchRule

PAPER_IOU_THRESHOLD = 0.95
"""Predicted IoU above which a frame is confident in the SAM2S paper (gamma_iou)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPolicy:
    """Which frames an object remembers.

    Attributes:
        kind: "divemem" adds the diverse long-term memory of SAM2S (Sec. DiveMem); "sam2" is SAM 2.1 as released.
        short_term: number of most recent frames whose maps are kept, whether the object was visible or not.
        candidates: consecutive confident frames that compete for one place in the long-term memory (Delta).
        iou_threshold: predicted IoU that a candidate must exceed (gamma_iou). None uses the value stored in the
            weights, a quantile of the network's own predictions (`sam2s weights calibrate`), or else the paper's 0.95.
            A small network rarely predicts more than 0.95, and its long-term memory would stay empty.
        long_term: places in the long-term queue (N_l); the oldest entry is dropped.
        max_conditioning: number of prompted frames whose memory maps are kept. The first one is always kept; of the
            others the one farthest in time from the newest is dropped. Unlimited in SAM 2.1.
        corrections: "condition": a correction on a frame that was already tracked becomes a conditioning frame.
            "answer": it changes the answer on that frame and the short-term memory only, further clicks refine it, and
            the next propagation over the frame overwrites it, as in the released SAM 2.1 predictor.
        map_dtype: "same" keeps maps in the network's type; "bfloat16" halves their size, as in the SAM 2.1 predictor.
        consecutive: whether an unconfident frame clears the candidates.
        require_presence: whether a candidate's object must also be predicted as visible.
        similarity: what Eq. 2 compares: the flattened stride-16 image embedding ("image") or the memory map ("memory").
        first_reference: with an empty queue, compare candidates with the "first" or the "latest" conditioning frame.
        count_first: whether the first memory takes one of the `long_term` places.
        skip_recent: read a long-term frame that is also in the short-term window only once, as short-term.
        long_term_pointers: also read the object pointers of long-term frames.
        search: how lost objects are searched for; memory is not updated while an object is uncertain or absent. None
            accepts the mask of every frame, as SAM 2.1 does. May be given as a dict of fields.

    Raises:
        ConfigError: a value is not allowed.
    """

    kind: Literal["sam2", "divemem"] = "divemem"
    short_term: int = 6
    candidates: int = 5
    iou_threshold: float | None = None
    long_term: int = 4
    max_conditioning: int = 16
    corrections: Literal["condition", "answer"] = "condition"
    map_dtype: Literal["same", "bfloat16"] = "same"
    consecutive: bool = True
    require_presence: bool = True
    similarity: Literal["image", "memory"] = "image"
    first_reference: Literal["first", "latest"] = "first"
    count_first: bool = False
    skip_recent: bool = True
    long_term_pointers: bool = False
    search: SearchRule | None = None

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"memory {name} {getattr(self, name)!r} is not one of {', '.join(map(repr, allowed))}"
                )
        for name, least in (("short_term", 0), ("candidates", 1), ("long_term", 0), ("max_conditioning", 2)):
            value = getattr(self, name)
            if not isinstance(value, Integral):
                raise ConfigError(f"memory {name} {value!r} is not a whole number; give an int")
            if value < least:
                raise ConfigError(f"memory {name} {getattr(self, name)} is too small; give at least {least}")
        if self.short_term > CONDITIONING_SLOT:
            raise ConfigError(
                f"memory short_term {self.short_term} is too large; the network has {CONDITIONING_SLOT} slots"
            )
        threshold = self.iou_threshold
        if threshold is not None and not (isinstance(threshold, Real) and 0 <= float(threshold) <= 1):
            raise ConfigError(f"memory iou_threshold {threshold!r} is outside 0 to 1")
        if isinstance(self.search, dict):
            object.__setattr__(self, "search", SearchRule(**self.search))

    def resolve(self, confident_iou: float | None) -> MemoryPolicy:
        """The policy with `iou_threshold` set: its own, else that of the weights, else the paper's."""
        if self.iou_threshold is not None:
            return self
        return replace(self, iou_threshold=PAPER_IOU_THRESHOLD if confident_iou is None else confident_iou)

    @property
    def places(self) -> int:
        """Capacity of the long-term queue; 0 for SAM 2."""
        return 0 if self.kind == "sam2" else max(0, self.long_term - self.count_first)

    @property
    def max_maps(self) -> int:
        """Maximum number of memory maps of an object.

        Conditioning frames, short-term ones and the current one; with DiveMem also the queue, the best candidate, and
        one of each for `undo`. Pending prompts can hold `max_conditioning` more, and corrections that are answers only
        as many again.
        """
        return self.max_conditioning + self.short_term + 1 + (self.places + 3 if self.places else 0)


MEMORIES = ("divemem", "sam2", "divemem+search", "sam2+search")
"""Names of policies: the kind, and whether lost objects are searched for."""


def memory_policy(name: str, *, iou_threshold: float | None = None, proposer: str | None = None) -> MemoryPolicy:
    """Return the policy with a name.

    Args:
        name: one of `MEMORIES`.
        iou_threshold: see `MemoryPolicy`.
        proposer: see `SearchRule`; only with a name that searches.

    Raises:
        ConfigError: there is no such policy, or a proposer is given for one that does not search.
    """
    if name not in MEMORIES:
        raise ConfigError(f"memory {name!r} is not one of {', '.join(map(repr, MEMORIES))}")
    kind, _, search = name.partition("+")
    if proposer is not None and not search:
        raise ConfigError(
            f"memory {name!r} does not search for lost objects, so a proposer has no effect; give "
            f"memory '{name}+search' (--memory {name}+search)"
        )
    rule = SearchRule(proposer=proposer) if search else None
    return MemoryPolicy(kind="sam2" if kind == "sam2" else "divemem", iou_threshold=iou_threshold, search=rule)


_CHOICES = {
    "kind": ("divemem", "sam2"),
    "corrections": ("condition", "answer"),
    "map_dtype": ("same", "bfloat16"),
    "similarity": ("image", "memory"),
    "first_reference": ("first", "latest"),
}
