"""What a run tells: lines of JSON, TensorBoard (extra `train`), Weights & Biases (extra `wandb`), pictures, a bar."""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor

from sam2s.errors import missing_extra
from sam2s.files import cannot_write, replacing, write_atomically

from .curve import write_curve
from .pace import Pace
from .processes import Processes

Wandb = Literal["off", "offline", "online"]

LINE_SECONDS = 1.0
"""Least time between two lines on standard error; the log has every step."""


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
        folder: for `log.jsonl`, `curve.svg`, `tensorboard/`, `wandb/` and `pictures/`.
        step: where the run goes on; what an interrupted run wrote of later steps is dropped.
        pace: knows how long the run takes.
        active: whether this is the first process.
        settings: of the run, which Weights & Biases shows beside it.
        wandb: whether it is told, and whether at once or by a later `wandb sync`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        step: int,
        pace: Pace,
        active: bool,
        settings: Mapping[str, Any] | None = None,
        wandb: Wandb = "off",
    ) -> None:
        self.folder, self.active, self.pace = folder, active, pace
        self.log = folder / "log.jsonl"
        self._board: Any = None
        self._wandb: Any = None
        self._told = 0.0
        self._console = Console(stderr=True)
        in_terminal = active and sys.stderr.isatty()
        text = TextColumn("{task.description}")
        self._bar = Progress(BarColumn(), TimeElapsedColumn(), text, console=self._console, disable=not in_terminal)
        self._task = self._bar.add_task("", total=pace.total)
        if active:
            self._forget_after(step)
            with suppress(ImportError):
                from torch.utils.tensorboard import SummaryWriter

                self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
            if wandb != "off":
                self._wandb = _start_wandb(folder, wandb, settings or {})

    def __enter__(self) -> RunLog:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._board:
            self._board.close()
        if self._wandb:
            self._wandb.finish()

    def line(self, record: Mapping[str, float], done: float) -> None:
        """Note the numbers of a step.

        Args:
            record: numbers by name, "step" among them.
            done: how much of the run is done, in the unit of its pace.
        """
        if not self.active:
            return
        self._write(record)
        where = self.pace.describe(int(record["step"]), done)
        brief = "  ".join(f"{name} {record[name]:.3g}" for name in ("loss", "iou_tracked") if name in record)
        self._bar.update(self._task, completed=done, description=f"{where}  {brief}")
        now = time.monotonic()
        if not sys.stderr.isatty() and (now - self._told >= LINE_SECONDS or done >= self.pace.total):
            self._told = now
            print(f"{where}  {brief}  {record['seconds']:.2f} s a step", file=sys.stderr, flush=True)

    def validation(
        self, step: int, minutes: float, scores: Mapping[str, float], *, best: bool, start_share: float | None = None
    ) -> None:
        """Note what was measured on held-out videos, and draw the course of the run anew.

        Args:
            step, minutes: when.
            scores: what was measured, by name.
            best: whether nothing was better so far.
            start_share: share of the weights of the start, where an average with them was measured.
        """
        if not self.active:
            return
        share = {} if start_share is None else {"start_share": start_share}
        self._write({"step": step, "minutes": minutes, **share, **scores})
        write_curve(self.folder)
        parts = [f"{name.removeprefix('val_')} {value:.1f}" for name, value in scores.items()]
        parts += ["the best so far"] * best
        what = "" if start_share is None else f", averaged with {start_share:.0%} of the start"
        self._console.print(f"validation after step {step}{what}  {'  '.join(parts)}", soft_wrap=True)

    def picture(self, image: np.ndarray, step: int) -> None:
        """Keep a picture of predictions."""
        path = self.folder / "pictures" / f"step-{step:08}.png"
        with replacing(path) as partial:
            Image.fromarray(image).save(partial, "PNG")
        if self._board:
            self._board.add_image("predictions", image, step, dataformats="HWC")
        if self._wandb:
            import wandb

            self._wandb.log({"predictions": wandb.Image(image), "step": step})

    def _write(self, record: Mapping[str, float]) -> None:
        rounded = {name: float(f"{value:.6g}") for name, value in record.items()}
        try:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rounded) + "\n")
        except OSError as error:
            raise cannot_write(self.log, error) from error
        if self._board:
            for name, value in record.items():
                if name != "step":
                    self._board.add_scalar(name, value, int(record["step"]))
        if self._wandb:
            self._wandb.log(dict(record))

    def _forget_after(self, step: int) -> None:
        if self.log.exists():
            lines = [line for line in self.log.read_text("utf-8").splitlines() if _step(line) <= step]
            write_atomically(self.log, "".join(f"{line}\n" for line in lines).encode())


def _start_wandb(folder: Path, mode: Literal["offline", "online"], settings: Mapping[str, Any]) -> Any:
    """Begin, or go on with, the record of a run in `folder/wandb`; offline nothing leaves this machine."""
    try:
        import wandb
    except ImportError as error:
        raise missing_extra("run.wandb needs wandb (or set run.wandb=off)", "wandb") from error
    run = wandb.init(
        project="sam2s",
        name=folder.resolve().name,
        dir=str(folder),
        mode=mode,
        config=dict(settings),
        settings=wandb.Settings(silent=True, console="off"),
    )
    run.define_metric("*", step_metric="step")
    return run


def _step(line: str) -> float:
    """The step of a line of the log; infinite for half a line that a kill left."""
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return float("inf")
    return step if isinstance(step, int | float) else float("inf")


def memory_gib(device: torch.device) -> float:
    """Most memory used so far: of the CUDA device, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform != "darwin" else 2**30)
