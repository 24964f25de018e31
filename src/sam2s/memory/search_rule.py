"""When an object is lost, and how it is searched for."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

from sam2s.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRule:
    """How lost objects are searched for.

    The evidence for a mask is predicted IoU times presence times similarity to the object's earlier appearances. It is
    compared with the usual evidence for this object, so that the rule does not depend on the weights.

    Attributes:
        hold: share of the usual evidence below which a tracked object is uncertain, and memory is not updated.
        take: share of it from which an absent or searched object is found.
        margin: factor by which the evidence of the best candidate must exceed that of the best one elsewhere.
        patience: consecutive uncertain frames after which the object is absent, with an empty mask.
        wait: absent frames after which it is searched for.
        every: frames between two searches.
        grid: points per side of the grid of prompts in a search, so grid * grid prompts.
        overlap: share of a candidate within the mask of a tracked object from which it belongs to that object.
        learn: frames after a prompt during which the object is never uncertain, to learn the usual evidence.
        probation: frames after a lost object was found during which its appearance is not learned.
        places: number of appearances kept in each of two lists, on prompted and on tracked frames.
        proposer: function that proposes boxes, `package.module:function` or `file.py:function`; they are used as
            prompts instead of the grid.

    Raises:
        ConfigError: a value is not allowed.
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
        """Prompts of a search on the grid, for all lost objects together."""
        return self.grid * self.grid
