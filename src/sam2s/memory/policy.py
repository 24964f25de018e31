"""What to remember, in one frozen record: SAM 2's rules, DiveMem's numbers, and every choice the paper leaves open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Literal

from sam2s.errors import ConfigError

from .entry import CONDITIONING_SLOT
from .search_rule import SearchRule

PAPER_IOU_THRESHOLD = 0.95
"""Predicted IoU above which the SAM2S paper takes a frame for confident (gamma_iou)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPolicy:
    """Which frames an object remembers.

    Attributes:
        kind: "divemem" adds the diverse long-term memory of SAM2S (Sec. DiveMem); "sam2" is SAM 2.1 as released.
        short_term: most recent frames remembered whole, whether the object was seen on them or not.
        candidates: consecutive confident frames that compete for one place in the long-term memory (Delta).
        iou_threshold: a candidate's predicted IoU must lie above this (gamma_iou). None takes the number that is stored
            with the weights, a quantile of the network's own predictions (`sam2s weights calibrate`), or the paper's
            0.95 where none is: predictions of a small network hardly ever pass 0.95, and its long-term memory would
            stay empty.
        long_term: places in the long-term queue (N_l); the oldest entry leaves.
        max_conditioning: prompted frames whose memory maps are kept. The first one stays for ever; of the others the
            one farthest in time from the newest leaves. Unlimited in SAM 2.1, which a person who keeps correcting can
            fill.
        corrections: "condition": a correction on a frame that was already tracked becomes a conditioning frame.
            "answer": it changes the answer on that frame and the short-term memory only, further clicks refine it, and
            the next propagation over the frame overwrites it, as the released SAM 2.1 predictor does.
        map_dtype: "same" keeps maps in the network's type; "bfloat16" halves their size (the SAM 2.1 predictor does
            so).
        consecutive: an unconfident frame empties the candidates. False lets candidates be interrupted.
        require_presence: a candidate's object must be judged visible as well.
        similarity: what Eq. 2 compares: the stride-16 image embedding, flattened ("image"), or the memory map
            ("memory").
        first_reference: with an empty queue candidates are compared with the "first" or the "latest" conditioning
            frame.
        count_first: whether the first memory takes one of the `long_term` places.
        skip_recent: a long-term frame that is still in the short-term window is read once, as short-term.
        long_term_pointers: read the object pointers of long-term frames beyond the usual recent ones.
        search: how an object that was lost is looked for; nothing is remembered of it while it is uncertain or absent.
            None takes the network at its word on every frame, as SAM 2.1 does. Fields as a dict are taken too.
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
        """The policy with a number for `iou_threshold`: its own, else that of the weights, else the paper's."""
        if self.iou_threshold is not None:
            return self
        return replace(self, iou_threshold=PAPER_IOU_THRESHOLD if confident_iou is None else confident_iou)

    @property
    def places(self) -> int:
        """Entries the long-term queue can hold; 0 for SAM 2."""
        return 0 if self.kind == "sam2" else max(0, self.long_term - self.count_first)

    @property
    def max_maps(self) -> int:
        """The most memory maps an object ever holds.

        Conditioning frames, short-term ones and the current one; with DiveMem the queue, the best candidate, and one
        of each so that the last frame can be taken back. Prompts that wait for the next pass hold `max_conditioning`
        more at most, and as many again corrections that are answers only.
        """
        return self.max_conditioning + self.short_term + 1 + (self.places + 3 if self.places else 0)


MEMORIES = ("divemem", "sam2", "divemem+search", "sam2+search")
"""Names of policies: the kind, and whether objects that were lost are looked for."""


def memory_policy(name: str, *, iou_threshold: float | None = None, proposer: str | None = None) -> MemoryPolicy:
    """The policy of a name.

    Args:
        name: one of `MEMORIES`.
        iou_threshold: see `MemoryPolicy`.
        proposer: see `SearchRule`; only with a name that searches.

    Raises:
        ConfigError: there is no such policy, or it does not search for what is proposed.
    """
    if name not in MEMORIES:
        raise ConfigError(f"memory {name!r} is not one of {', '.join(map(repr, MEMORIES))}")
    kind, _, search = name.partition("+")
    if proposer is not None and not search:
        raise ConfigError(
            f"memory {name!r} does not look for lost objects, so a proposer has nothing to do; give "
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
