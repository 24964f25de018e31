"""What to do when a loss or a gradient is not a number: stop before it reaches the weights, and keep what caused it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import torch
from PIL import Image

from sam2s.errors import Sam2sError
from sam2s.files import replacing

from .batch import ClipBatch
from .picture import draw_batch
from .processes import Processes


class DivergedError(Sam2sError):
    """The loss or its gradient is infinite or not a number; the weights are as before."""


def refuse_step(
    norm: float, losses: Sequence[float], batches: Sequence[ClipBatch], step: int, folder: Path, processes: Processes
) -> NoReturn:
    """Stop at a step that cannot be made.

    Every process whose own loss is not finite keeps its batches; if it is the gradient alone, all do.

    Args:
        norm: of the gradients, no finite number, the same on all processes.
        losses: of this process, one a batch.
        batches: that led there.
        step: number of the step.
        folder: for the files.
        processes: all of them.

    Raises:
        DivergedError: saying how to look at the batches.
    """
    mine = [batch for batch, loss in zip(batches, losses, strict=True) if not math.isfinite(loss)]
    (culprits,) = processes.sum(len(mine))
    kept = mine if culprits else list(batches)
    for number, batch in enumerate(kept):
        stem = folder / f"diverged-step-{step}-process-{processes.rank}-{number}"
        with replacing(stem.with_suffix(".pt")) as partial:
            torch.save(asdict(batch.to("cpu")), partial)
        with replacing(stem.with_suffix(".png")) as partial:
            Image.fromarray(draw_batch(batch)).save(partial, "PNG")
    raise DivergedError(
        f"step {step} has the gradient norm {norm} (losses {', '.join(f'{loss:.4g}' for loss in losses)}); nothing was "
        f"changed. What led there is in {folder}/diverged-step-{step}-*: look at the .png, or at the tensors with "
        "torch.load(FILE, weights_only=True). If the data are right, go on in another --out with "
        f"--set model.init={folder}/weights.safetensors and a lower optimiser.lr, or run.precision=fp32"
    )
