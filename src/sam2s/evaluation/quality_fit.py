"""Fitting a network's quality model on videos whose masks are known, drawn ones by default."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.checkpoints import load_checkpoint, save_checkpoint
from sam2s.errors import ConfigError
from sam2s.evaluation.judged_masks import labelled
from sam2s.evaluation.synthetic import HELD_OUT, SyntheticVideo
from sam2s.files import write_atomically
from sam2s.model import Network
from sam2s.quality import QualityModel, fit_model
from sam2s.quality.fitting import logistic

FIRST_SEED = 900_200
"""Scenes from this seed on are drawn for fitting quality and for nothing else."""
LEAST_ABSENT = 50
"""Masks on which the object is not there in truth, from which presence is calibrated."""


def drawn_videos(number: int, frames: int, every: int, *, held_out: bool = False) -> list[SyntheticVideo]:
    """Drawn videos with an object of some size; those that are held out are those of `sam2s eval`."""
    videos: list[SyntheticVideo] = []
    for seed in count(HELD_OUT if held_out else FIRST_SEED):
        if len(videos) == number:
            break
        video = SyntheticVideo(seed, frames, every=every)
        if video.objects:
            videos.append(video)
    return videos


def fit_on_rows(network: Network, rows: np.ndarray, record: dict[str, Any]) -> QualityModel:
    """Fit the quality model of a network on rows of `judged_masks`.

    Raises:
        ConfigError: there are too few masks.
    """
    return fit_model(*labelled(rows), {"weights": network.config.name, "digest": network.digest(), **record})


def fit_presence(rows: np.ndarray) -> tuple[float, float]:
    """Scale and shift of the object score, after which the sigmoid of it is the share of objects that are there.

    With fewer than `LEAST_ABSENT` masks of objects that are not there, or where the score says nothing, they are 1
    and 0, which change nothing.
    """
    there = rows["there"]
    if min((~there).sum(), there.sum()) < LEAST_ABSENT:
        return 1.0, 0.0
    weights, bias = logistic(rows["score"][:, None], there.astype(float), 1.0)
    return (round(float(weights[0]), 4), round(bias, 4)) if weights[0] > 0.01 else (1.0, 0.0)


def write_model(out: Path, weights: str, model: QualityModel, presence: tuple[float, float]) -> None:
    """Write a model: as JSON, or within a copy of its weights, which then go with it everywhere.

    Args:
        out: a file ending in .json or .safetensors.
        weights: name or path of the weights.
        model: what was fitted.
        presence: scale and shift of the object score, which only weights can carry.

    Raises:
        ConfigError: the file ends otherwise.
        OutputError: it cannot be written.
    """
    check_ending(out)
    if out.suffix == ".json":
        write_atomically(out, (json.dumps(json.loads(model.to_json()), indent=1) + "\n").encode())
    else:
        config, state, metadata = load_checkpoint(weights)
        scale, shift = presence
        config = replace(config, quality=model.to_json(), presence_scale=scale, presence_shift=shift)
        save_checkpoint(out, state, config, metadata)


def check_ending(out: Path) -> None:
    """Refuse a file that is neither of the two kinds.

    Raises:
        ConfigError: its name ends otherwise.
    """
    if out.suffix not in (".json", ".safetensors"):
        raise ConfigError(f"--out {out} must end in .json (the model alone) or .safetensors (a copy of the weights)")
