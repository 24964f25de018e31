"""When an object counts as lost, and how it is looked for: the numbers, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

from sam2s.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRule:
    """How lost objects are sought.

    All evidence for a mask is one number: predicted IoU times presence times likeness to what the object has looked
    like. It is compared with what is usual for this object, so that the rule holds for weights of any strength.

    Attributes:
        hold: share of the usual evidence below which a tracked object is uncertain, and nothing more is remembered.
        take: share of it from which an object that is absent or searched for counts as found.
        margin: how many times the evidence of the second best candidate elsewhere the best must have to be taken.
        patience: uncertain frames in a row after which the object is absent, and has no mask.
        wait: frames of absence after which it is searched for.
        every: frames from one search to the next.
        grid: points a side at which the mask decoder is asked in a search, so grid * grid calls of it.
        overlap: share of a candidate within the masks of other tracked objects from which it is one of them.
        learn: frames after a prompt during which nothing is doubted, to learn what is usual.
        probation: frames after a lost object was found from which its appearance is not learned yet.
        places: appearances kept of an object in each of two lists, on prompted frames and on tracked ones.
        proposer: names a function that says where objects may be, `package.module:function` or `file.py:function`; its
            boxes are asked about instead of the grid.
    """

    hold: float = 0.6
    take: float = 0.5
    margin: float = 1.05
    patience: int = 3
    wait: int = 2
    every: int = 2
    grid: int = 6
    overlap: float = 0.5
    learn: int = 3
    probation: int = 3
    places: int = 4
    proposer: str | None = None

    def __post_init__(self) -> None:
        for name, least, most in (("hold", 0, 1), ("take", 0, 2), ("margin", 1, 100), ("overlap", 0, 1)):
            value = getattr(self, name)
            if not isinstance(value, Real) or not least <= float(value) <= most:
                raise ConfigError(f"search {name} {value!r} is not from {least} to {most}; give such a number")
        for name, least in (
            ("patience", 0),
            ("wait", 0),
            ("every", 1),
            ("grid", 1),
            ("learn", 1),
            ("probation", 0),
            ("places", 2),
        ):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ConfigError(f"search {name} {value!r} is not a whole number from {least} up; give an int")
        if self.proposer is not None and not isinstance(self.proposer, str):
            raise ConfigError(f"search proposer {self.proposer!r} is not a name; give package.module:function")

    @property
    def decoder_calls(self) -> int:
        """Calls of the mask decoder that a search on the grid makes, for all lost objects together."""
        return self.grid * self.grid
