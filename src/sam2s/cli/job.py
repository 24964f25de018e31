"""What a tracking run is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from sam2s.formats.prompts_file import PromptEntry
from sam2s.loading import Backend
from sam2s.masks.postprocess import clean
from sam2s.memory import MemoryPolicy
from sam2s.video.live import Policy


@dataclass(frozen=True)
class Job:
    """What to track where, as `sam2s track --help` explains."""

    input: str
    out: Path
    weights: str
    prompts: list[PromptEntry]
    policy: MemoryPolicy = field(default_factory=MemoryPolicy)
    reverse: bool = False
    start: int = 0
    stop: int | None = None
    stride: int = 1
    image_size: int | None = None
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    compile: bool = False
    backend: Backend = "auto"
    exports: tuple[str, ...] = ()
    overwrite: bool = False
    live: Policy = "latest"
    fill_holes: int = 0
    remove_islands: int = 0

    @property
    def clean(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """What is done to every mask before it is written; tracking itself goes on from the network's own."""
        if not (self.fill_holes or self.remove_islands):
            return None
        return partial(clean, fill_holes=self.fill_holes, remove_islands=self.remove_islands)
