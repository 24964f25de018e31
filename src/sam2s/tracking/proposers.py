"""Plug-ins that look at a frame and say where objects may be.

A proposer is a Python callable:

    def propose(frame: np.ndarray) -> list[Proposal]:
        \"\"\"frame: uint8 [H, W, 3], RGB.\"\"\"
        return [Proposal(box=(40, 60, 220, 300), name="grasper", score=0.93)]

It is named by `package.module:function` or `path/to/file.py:function`.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from sam2s.errors import ConfigError, PromptError

from .prompts import Box


@dataclass(frozen=True)
class Proposal:
    """One object that a proposer sees.

    Attributes:
        box: (x0, y0, x1, y1) in pixels of the frame.
        name: what it is, or None.
        score: how sure the proposer is, from 0 to 1; the best are taken first.
    """

    box: tuple[float, float, float, float]
    name: str | None = None
    score: float = 1.0


Proposer = Callable[[np.ndarray], Iterable[Proposal]]


def load_proposer(name: str) -> Proposer:
    """Import a proposer.

    Raises:
        ConfigError: it has another form, cannot be imported, or is not callable.
    """
    place, _, function = name.rpartition(":")
    if not place or not function.isidentifier():
        raise ConfigError(f"proposer {name!r} has another form than package.module:function or file.py:function")
    try:
        module = _module(place)
    except Exception as error:  # a user's module may raise anything while it is imported
        raise ConfigError(f"proposer {name!r} cannot be imported: {type(error).__name__}: {error}") from error
    proposer = getattr(module, function, None)
    if not callable(proposer):
        raise ConfigError(f"proposer {name!r}: {place} has no function {function}")
    return cast(Proposer, proposer)


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    path = Path(place).expanduser().resolve()
    spec = importlib.util.spec_from_file_location(f"sam2s_proposer_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def proposal_box(proposal: Proposal, index: int, shape: tuple[int, ...]) -> Box:
    """The box of a proposal on the frame of an index, cut at the frame's borders; `shape` begins with (H, W).

    Raises:
        PromptError: it has no four numbers, or no area.
    """
    try:
        x0, y0, x1, y1 = (float(value) for value in proposal.box)
    except (TypeError, ValueError) as error:
        raise PromptError(
            f"the proposer gave {proposal.box!r} on frame {index}; give four numbers x0, y0, x1, y1"
        ) from error
    if not all(map(math.isfinite, (x0, y0, x1, y1))) or x1 <= x0 or y1 <= y0:
        raise PromptError(f"the proposer gave the box {proposal.box!r} on frame {index}; x0 < x1 and y0 < y1 must hold")
    height, width = shape[:2]
    return Box(max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1))
