"""The film tracked by the official `sam2` package with our weights; a side as in `sam2s_side`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2s.bench.film import clicks, film
from sam2s.checkpoints import load_checkpoint
from sam2s.errors import ConfigError, MissingExtraError
from sam2s.model import ModelConfig
from sam2s.tracking.preprocess import normalise, resize

_OFFICIAL = {"tiny": "t", "small": "s", "base-plus": "b+", "large": "l"}


def official_side(
    weights: Path, device: torch.device, dtype: torch.dtype, frames: int, objects: int
) -> Iterator[np.ndarray]:
    """The official predictor. It wants the whole video before the first mask; that is outside the time of a frame."""
    config, state, _ = load_checkpoint(weights)
    predictor, side = official_model(config, state, device), config.image_size
    import sam2.sam2_video_predictor as official

    def steps() -> Iterator[np.ndarray]:
        images = normalise(torch.cat([resize(image, side) for image in film(frames, side, side)])).to(device)
        official.load_video_frames = lambda **_: (images, side, side)
        official.tqdm = lambda steps, **_: steps
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            session = predictor.init_state("")
            for number, point in enumerate(clicks(objects, side, side)):
                predictor.add_new_points_or_box(session, 0, number + 1, points=[point], labels=[1])
            for time, _, _ in predictor.propagate_in_video(session):
                kept = session["output_dict_per_obj"].values()
                found = [(out["cond_frame_outputs"] | out["non_cond_frame_outputs"])[time] for out in kept]
                yield torch.cat([answer["pred_masks"] for answer in found])[:, 0].float().cpu().numpy()

    return steps()


def official_model(config: ModelConfig, state: dict[str, torch.Tensor], device: torch.device) -> Any:
    """The official video predictor of the same sizes with our weights, without filling holes in masks.

    Raises:
        MissingExtraError: the package is not installed.
        ConfigError: it has no such network.
    """
    if config.name not in _OFFICIAL:
        raise ConfigError(f"--against official has no network {config.name!r}; give one of {', '.join(_OFFICIAL)}")
    try:
        from sam2.build_sam import build_sam2_video_predictor
    except ImportError as error:
        raise MissingExtraError(
            f"--against official needs the package sam2 of github.com/facebookresearch/sam2 ({error})"
        ) from error
    grid = config.grid
    extra = "++model.sam_mask_decoder_extra_args.dynamic_multimask"
    changes = [
        f"++model.image_size={config.image_size}",
        f"++model.memory_attention.layer.self_attention.feat_sizes=[{grid},{grid}]",
        f"++model.memory_attention.layer.cross_attention.feat_sizes=[{grid},{grid}]",
        f"{extra}_via_stability=true",
        f"{extra}_stability_delta=0.05",
        f"{extra}_stability_thresh=0.98",
        "++model.binarize_mask_from_pts_for_mem_enc=true",
    ]
    file = f"configs/sam2.1/sam2.1_hiera_{_OFFICIAL[config.name]}.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predictor = build_sam2_video_predictor(
            file, None, device=str(device), hydra_overrides_extra=changes, apply_postprocessing=False
        )
    predictor.load_state_dict({name: state[name] for name in predictor.state_dict()})
    return predictor
