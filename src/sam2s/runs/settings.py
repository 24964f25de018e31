"""Settings of a tracking run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from sam2s.formats.prompts_file import PromptEntry
from sam2s.loading import Backend
from sam2s.masks.postprocess import clean
from sam2s.memory import MemoryPolicy
from sam2s.model import Network
from sam2s.quality import QualityMonitor, read_model
from sam2s.session.events import encode_prompt
from sam2s.tracking.settings import Batching, check_batching
from sam2s.video.live import Policy


@dataclass(frozen=True)
class RunSettings:
    """Settings of `run`; `sam2s track --help` explains the flags with the same names.

    Attributes:
        input: video file, folder of images, camera or address.
        pattern: for a folder: glob of the files that are frames, for example `*_endo.png`.
        quality: quality model of `sam2s quality fit`; by default the one in the weights.
        square_pixels: scale frames with non-square pixels to their display width.
        out: folder of the workspace.
        weights: a name from `sam2s weights list`, or a path.
        prompts: the prompts; if empty, those in the workspace.
        policy: which frames objects remember.
        batched: how objects are batched, one of `sam2s.tracking.settings.BATCHINGS`.
        events: detect video events, do not judge frames where one hides the scene, and store all as marks.
        exports: kinds of export to write at the end, of `sam2s.formats.export.KINDS`.
        overwrite: discard the workspace in the folder.
        again: track anew in the workspace of an earlier run; accepted and corrected masks are kept.
        take_over: write to the workspace even if another process has it open.
        stall_seconds: a frame that takes longer to read counts as damage; 0: no limit.
    """

    input: str
    out: Path
    weights: str = "micro"
    prompts: Sequence[PromptEntry] = ()
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
    batched: Batching = "auto"
    backend: Backend = "auto"
    exports: tuple[str, ...] = ()
    overwrite: bool = False
    again: bool = False
    take_over: bool = False
    live: Policy = "latest"
    events: bool = False
    fill_holes: int = 0
    remove_islands: int = 0
    stall_seconds: float = 120.0
    pattern: str | None = None
    square_pixels: bool = False
    quality: Path | None = None

    def __post_init__(self) -> None:
        check_batching(self.batched)

    @property
    def clean(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """What is done to every mask before it is written; tracking itself goes on from the network's own."""
        if not (self.fill_holes or self.remove_islands):
            return None
        return partial(clean, fill_holes=self.fill_holes, remove_islands=self.remove_islands)

    def monitor(self, network: Network) -> QualityMonitor:
        """What judges the masks of this run.

        Raises:
            CheckpointError: the quality model cannot be read, or is one of another version.
        """
        return QualityMonitor(network, None if self.quality is None else read_model(self.quality))

    def prompted_frames(self, object_id: int) -> list[int]:
        """Frames on which an object is pointed at."""
        return [entry.frame for entry in self.prompts if entry.object_id == object_id]

    def to_json(self, network: Network) -> dict[str, Any]:
        """All that changes masks, as plain JSON: runs for which it is equal write equal masks of the same video."""
        data = {
            "prompts": [
                {"frame": entry.frame, "id": entry.object_id, "name": entry.name, **encode_prompt(entry.prompt)}
                for entry in self.prompts
            ],
            "policy": asdict(self.policy),
            "image_size": network.image_size,
            "precision": str(network.dtype).removeprefix("torch."),
            "reverse": self.reverse,
            "start": self.start,
            "stop": self.stop,
            "stride": self.stride,
            "fill_holes": self.fill_holes,
            "remove_islands": self.remove_islands,
        }
        if self.events:
            data["events"] = True
        if self.batched != "auto":
            data["batched"] = self.batched
        if self.pattern is not None or self.square_pixels:
            data["source"] = {"pattern": self.pattern, "square_pixels": self.square_pixels}
        if self.quality is not None:
            data["quality"] = hashlib.sha256(self.quality.read_bytes()).hexdigest()
        return cast(dict[str, Any], json.loads(json.dumps(data)))  # as it will be read back


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Name every value that differs between two JSON trees: "image_size is 512 there and 1024 now"."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            yield from differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif before != now:
        if isinstance(before, list) or isinstance(now, list):
            yield f"{path} differ"
        else:
            yield f"{path} is {before} there and {now} now"
