"""Checkpoints of a run: everything that is needed to go on as if nothing had happened.

Random numbers need no place in them: every one is drawn from the seed, the step and the number of the batch, on every
process. The same holds for the position in the data.
"""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sam2s.checkpoints import Metadata, save_checkpoint
from sam2s.errors import CheckpointError, OutputError
from sam2s.files import cannot_write, make_durable, replacing
from sam2s.model import SAM2S

from .lora import plain_state
from .recipe import load_recipe
from .validation import ValidationRecord

_NAME = re.compile(r"step-(\d{8})\.pt")

FREE = {
    "data.workers",
    *(
        f"run.{name}"
        for name in ("compile", "activation_checkpointing", "save_minutes", "keep", "visualise_every", "wandb")
    ),
    *(f"validation.{name}" for name in ("every", "patience", "videos", "frames", "prompts", "places", "split")),
    "schedule.length",
}
"""Settings that may change when a run goes on: they change nothing that is learned in a step. The length does, by the
learning rate, and is what a finished run goes on for."""


@dataclass
class TrainState:
    """Where a run stands.

    Attributes:
        folder: where checkpoints lie.
        recipe: settings of this run, as plain values.
        model: the network.
        optimisers: its optimisers.
        ema: moving average of the weights, adapters folded in, or None.
        metadata: stored with the weights; `training["stages"]` has settings and length of the trainings that led here,
            the last of which is this one.
        step, elapsed: optimiser steps, and seconds.
        validation: what the validations have come to.
    """

    folder: Path
    recipe: dict[str, Any]
    model: SAM2S
    optimisers: list[torch.optim.Optimizer]
    ema: dict[str, Tensor] | None
    metadata: Metadata
    step: int = 0
    elapsed: float = 0.0
    validation: ValidationRecord = field(default_factory=ValidationRecord)

    @property
    def best_weights(self) -> Path:
        """Those that did best on held-out videos, where they are validated."""
        return self.folder / "best.safetensors"

    @property
    def weights(self) -> Path:
        """The file to keep."""
        return self.folder / "weights.safetensors"

    def resume(self) -> bool:
        """Go on from the newest checkpoint of the folder, if there is one.

        Raises:
            CheckpointError: it cannot be read.
            OutputError: it was made with other settings; or there is none, but what another run has left.
        """
        path = newest(self.folder)
        if path is None:
            self._check_free()
            return False
        try:
            kept = torch.load(path, map_location="cpu", weights_only=True)
            check_same(kept["recipe"], self.recipe, self.folder)
            self.model.load_state_dict(kept["model"])
            for optimiser, one in zip(self.optimisers, kept["optimisers"], strict=True):
                optimiser.load_state_dict(one)
            if self.ema is not None:
                for name, tensor in self.ema.items():
                    tensor.copy_(kept["ema"][name])
            self.step, self.elapsed = kept["step"], kept["elapsed"]
            self.validation = ValidationRecord(**kept["validation"])
        except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            why = str(error).partition("\n")[0]
            raise CheckpointError(f"{path} is damaged ({why}); remove it to go on from the one before") from error
        return True

    def save_checkpoint(self, keep: int) -> None:
        """Write a checkpoint and remove the oldest; a kill leaves the ones before."""
        kept = {"recipe": self.recipe, "step": self.step, "elapsed": self.elapsed, "ema": self.ema}
        kept |= {"model": self.model.state_dict(), "optimisers": [o.state_dict() for o in self.optimisers]}
        kept["validation"] = asdict(self.validation)
        path = self.folder / f"step-{self.step:08}.pt"
        with replacing(path) as partial:
            try:
                torch.save(kept, partial)
            except RuntimeError as error:  # what torch makes of a full disk
                raise cannot_write(path, OSError(str(error).partition("\n")[0])) from error
            make_durable(partial)
        for old in checkpoints(self.folder)[:-keep]:
            old.unlink(missing_ok=True)

    def save(self, keep: int) -> None:
        """Write a checkpoint and the weights."""
        self.save_checkpoint(keep)
        self.write_weights(self.weights, self.learned())

    def _check_free(self) -> None:
        """Refuse to write over what a run without checkpoints left, if this one would not repeat it."""
        if self.weights.exists():
            raise OutputError(
                f"{self.weights} is there, but no checkpoint (step-*.pt) to go on from, so it would be written over; "
                f"give another --out, where --set model.init={self.weights} starts from it, or move it away"
            )
        if (self.folder / "log.jsonl").exists():
            check_same(load_recipe(str(self.folder / "recipe.yaml")).to_dict(), self.recipe, self.folder)

    def learned(self) -> dict[str, Tensor]:
        """What has been learned: the moving average if there is one, else the weights, adapters folded in."""
        return plain_state(self.model) if self.ema is None else self.ema

    def write_weights(self, path: Path, state: dict[str, Tensor], **about: Any) -> None:
        """Write weights as one file that `sam2s.load` needs nothing else for.

        Args:
            path: the file.
            state: the weights.
            about: goes into the record of this training.
        """
        stage = self.metadata.training["stages"][-1]
        stage.update(steps=self.step, minutes=round(self.elapsed / 60, 1), **about)
        save_checkpoint(path, state, self.model.config, self.metadata)

    @torch.no_grad()
    def update_ema(self, decay: float) -> None:
        """Move the average towards the weights; in the first steps faster, or it would remember the start."""
        if self.ema is not None:
            share = 1 - min(decay, (self.step + 1) / (self.step + 10))
            for name, new in plain_state(self.model).items():
                self.ema[name].lerp_(new, share)


def checkpoints(folder: Path) -> list[Path]:
    """Checkpoints in a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name))


def newest(folder: Path) -> Path | None:
    """The checkpoint to go on from."""
    found = checkpoints(folder)
    return found[-1] if found else None


def check_same(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Refuse to go on with other settings than those a run was begun with.

    Raises:
        OutputError: naming what differs.
    """
    old, new = flat(before), flat(now)
    changed = [key for key in sorted(old.keys() | new.keys()) if key not in FREE and old.get(key) != new.get(key)]
    if changed:
        was = ", ".join(f"{key} {json.dumps(old.get(key))} (now {json.dumps(new.get(key))})" for key in changed[:5])
        raise OutputError(f"the run in {folder} was begun with {was}; use the same settings, or another --out")


def flat(values: Any, where: str = "") -> dict[str, Any]:
    """Nested mappings and lists as one mapping with dotted keys."""
    if not isinstance(values, dict | list):
        return {where: values}
    items = values.items() if isinstance(values, dict) else enumerate(values)
    return {k: v for key, item in items for k, v in flat(item, f"{where}.{key}" if where else str(key)).items()}
