"""Plug-ins that propose prompts for a video that nobody has pointed into.

A proposer is a Python callable that looks at one frame and says where objects are:

    def propose(frame: np.ndarray) -> list[Proposal]:
        \"\"\"frame: uint8 [H, W, 3], RGB.\"\"\"
        return [Proposal(box=(40, 60, 220, 300), name="grasper", score=0.93)]

It is named by `package.module:function` or `path/to/file.py:function`. Frames are shown to it from the first on, every
`PROPOSAL_STRIDE`th, until it proposes something; its boxes are then the prompts of that frame.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.errors import ConfigError, PromptError
from sam2s.tracking.prompts import Box
from sam2s.video.frame import VideoSource

PROPOSAL_STRIDE = 25
"""Frames between two that a proposer is shown."""


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
    return proposer  # type: ignore[no-any-return]


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


def propose_prompts(
    proposer: Proposer, source: VideoSource, *, limit: int = 8, stride: int = PROPOSAL_STRIDE, start: int = 0
) -> tuple[int, list[tuple[Box, str | None]]]:
    """Show frames to a proposer until it proposes something.

    Args:
        proposer: looks at frames.
        source: the video.
        limit: at most so many objects, those with the highest score.
        stride: frames between two that are shown.
        start: first frame that is shown.

    Returns:
        index of the frame, and a box with a name for each object.

    Raises:
        PromptError: nothing was proposed on any frame, or a proposal cannot be used.
    """
    for frame in source.frames(start, None, stride):
        proposals = sorted(proposer(frame.image), key=lambda proposal: -proposal.score)
        if proposals:
            return frame.index, [(_box(p, frame.index, frame.image.shape), p.name) for p in proposals[:limit]]
    raise PromptError(
        f"the proposer found no object on any frame of {source.name} that it was shown (every {stride}th)"
    )


def _box(proposal: Proposal, index: int, shape: tuple[int, ...]) -> Box:
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
