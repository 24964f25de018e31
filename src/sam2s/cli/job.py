"""What a tracking run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sam2s.formats.prompts_file import PromptEntry
from sam2s.loading import Backend
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
