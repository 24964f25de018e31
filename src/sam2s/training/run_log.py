"""What a run tells: lines of JSON, TensorBoard (extra `train`), pictures of predictions, a bar."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from sam2s.files import replacing, write_atomically

from .processes import Processes


class Means:
    """Weighted means of numbers by name, over batches and processes."""

    def __init__(self) -> None:
        self._sums: dict[str, Any] = defaultdict(float)
        self._weights: dict[str, float] = defaultdict(float)

    def add(self, values: Mapping[str, Tensor | float], weight: float = 1.0) -> None:
        """Note values; tensors are not waited for."""
        for name, value in values.items():
            self._sums[name] += weight * value
            self._weights[name] += weight

    def collect(self, processes: Processes) -> dict[str, float]:
        """The means over all processes, which must all call this; begins anew."""
        mine = {name: (float(total), self._weights[name]) for name, total in self._sums.items()}
        self._sums.clear()
        self._weights.clear()
        every = processes.gather(mine)
        names = sorted({name for one in every for name in one})
        pairs = {name: np.sum([one[name] for one in every if name in one], axis=0) for name in names}
        return {name: float(total / weight) for name, (total, weight) in pairs.items() if weight}


class RunLog:
    """Writes for the first process; for the others all of it does nothing.

    Args:
        folder: for `log.jsonl`, `tensorboard/` and `pictures/`.
        step: where the run goes on; what an interrupted run wrote of later steps is dropped.
        total: steps or minutes until the end.
        active: whether this is the first process.
    """

    def __init__(self, folder: Path, *, step: int, total: float, active: bool) -> None:
        self.folder, self.active = folder, active
        self._board: Any = None
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        text = TextColumn("{task.description}")
        self._bar = Progress(*columns, text, console=console, disable=not (active and sys.stderr.isatty()))
        self._task = self._bar.add_task("", total=total)
        if active:
            self.log = folder / "log.jsonl"
            self._forget_after(step)
            with suppress(ImportError):
                from torch.utils.tensorboard import SummaryWriter

                self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> RunLog:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._board:
            self._board.close()

    def progress(self, done: float) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done)

    def line(self, record: dict[str, float]) -> None:
        """Note the numbers of a step: a line of `log.jsonl`, the curves, the words beside the bar."""
        if not self.active:
            return
        with self.log.open("a") as file:
            file.write(json.dumps({name: float(f"{value:.6g}") for name, value in record.items()}) + "\n")
        brief = "  ".join(f"{name} {record[name]:.3g}" for name in ("loss", "iou_tracked") if name in record)
        self._bar.update(self._task, description=brief)
        if not sys.stderr.isatty():
            print(f"step {record['step']:g}  {brief}  {record['seconds']:.2f} s a step", file=sys.stderr, flush=True)
        if self._board:
            for name, value in record.items():
                if name != "step":
                    self._board.add_scalar(name, value, int(record["step"]))

    def picture(self, image: np.ndarray, step: int) -> None:
        """Keep a picture of predictions."""
        path = self.folder / "pictures" / f"step-{step:08}.png"
        with replacing(path) as partial:
            Image.fromarray(image).save(partial, "PNG")
        if self._board:
            self._board.add_image("predictions", image, step, dataformats="HWC")

    def _forget_after(self, step: int) -> None:
        if self.log.exists():
            lines = [line for line in self.log.read_text().splitlines() if _step(line) <= step]
            write_atomically(self.log, "".join(f"{line}\n" for line in lines).encode())


def _step(line: str) -> float:
    """The step of a line of the log; infinite for half a line that a kill left."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return float("inf")


def memory_gib(device: torch.device) -> float:
    """Most memory used so far: of the CUDA device, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform != "darwin" else 2**30)
