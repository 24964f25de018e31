"""The training loop.

    torchrun --nproc-per-node 4 -m sam2s train sam2s-base-plus --data DIR --out runs/a

One process a GPU under torchrun, on one machine or many; without torchrun one process. An optimiser step sees the
same clips, prompts and random numbers however its batch is shared out over processes and accumulation, and whether or
not the run was interrupted before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from sam2s.errors import ConfigError
from sam2s.processes import locked

from .processes import joined
from .recipe import Recipe
from .setup import ProgressCallback, set_up
from .trainer import StepCallback, Trainer, TrainingOutcome
from .validation import Validator

__all__ = ["ProgressCallback", "StepCallback", "TrainingOutcome", "train"]


def train(
    recipe: Recipe,
    out: Path,
    *,
    device: str = "auto",
    report_progress: ProgressCallback = print,
    validator: Validator | None = None,
    on_step: StepCallback | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainingOutcome:
    """Train, or go on with the run that was begun in `out`.

    Args:
        recipe: what to do.
        out: folder for checkpoints, log and weights.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps"; under torchrun each process takes the device of its number.
        report_progress: told what is being done, in the first process.
        validator: measures weights as `recipe.validation` asks for; None measures nothing.
        on_step: told of every step, in the first process.
        should_stop: asked before every step; the run then ends as after a signal, to be gone on with.

    Raises:
        ConfigError: the recipe cannot be followed here; nothing was written.
        DatasetError: the data cannot be used.
        OutputError: the folder holds a run with other settings, or cannot be written.
        DivergedError: the loss or its gradient is not a number.
    """
    with joined(device) as processes, _without_denormals():
        try:
            setup = set_up(recipe, out, processes, report_progress if processes.first else lambda _: None)
            with locked(out) if processes.first else nullcontext():
                return Trainer(setup, validator, on_step, should_stop).run()
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"{processes.device} has too little memory for this recipe; set run.activation_checkpointing=true, "
                "then smaller data.clips.clips, data.clips.objects or data.clips.size; --dry-run says what each saves"
            ) from error


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Take the smallest numbers for 0, which early gradients are full of and a processor is slow with."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
