"""The weights, frames and prompt scripts behind `data/sam21_reference.npz`; drawn from names, so nothing large is kept.

Scripts have the form that `benchmarks/reference.py` reads.
"""

from __future__ import annotations

import math
import zlib
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from sam2s.model import SAM2S, build, preset

ADDITIONS = {"long_term_tpos_enc"}
"""What our networks have and SAM 2.1 has not."""

ONE_CLICK = {"do": "points", "frame": 0, "obj": 1, "points": [[200, 260]], "labels": [1]}
CASES: dict[str, list[dict]] = {
    "click": [ONE_CLICK, {"do": "propagate"}],
    "two_objects_box_clicks": [
        {"do": "box", "frame": 0, "obj": 1, "box": [100, 120, 300, 330]},
        {"do": "points", "frame": 0, "obj": 2, "points": [[400, 400], [420, 90]], "labels": [1, 0]},
        {"do": "propagate"},
    ],
    "mask": [{"do": "mask", "frame": 0, "obj": 1, "disk": [250, 240, 90]}, {"do": "propagate"}],
    "refine_and_reverse": [
        {**ONE_CLICK, "frame": 4},
        {"do": "propagate"},
        {"do": "points", "frame": 8, "obj": 1, "points": [[300, 300]], "labels": [0], "keep_old_points": True},
        {"do": "propagate", "start": 4},
        {"do": "propagate", "start": 4, "reverse": True},
    ],
}
LENGTHS = {"tiny_512": 12, "base_plus_512": 5, "tiny_1024": 4, "small_512": 4, "large_512": 3}


def drawn(name: str, shape: torch.Size) -> Tensor:
    """The tensor that belongs to a name of the official checkpoint."""
    noise = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF).standard_normal(tuple(shape))
    noise = noise.astype(np.float32)
    parts = name.split(".")
    if parts[-1] == "positional_encoding_gaussian_matrix":
        return torch.from_numpy(noise)
    if parts[-1] == "weight" and len(shape) == 1:
        noise = 1 + 0.1 * noise
    elif parts[-1] == "weight" and "embed" not in parts[-2]:
        noise = noise / math.sqrt(math.prod(shape[1:]))
    elif parts[-1] == "gamma":
        noise = 0.1 * np.abs(noise)
    else:
        noise = 0.1 * noise
    return torch.from_numpy(noise)


@lru_cache(maxsize=1)
def reference_model(file: str) -> SAM2S:
    """The network of one file of the reference, e.g. "base_plus_512"; weights drawn from their names."""
    name, size = file.rsplit("_", 1)
    model = build(preset(name.replace("_", "-"), image_size=int(size)))
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key not in ADDITIONS:
                tensor.copy_(drawn(key, tensor.shape))
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias += 4  # so that objects count as present
    return model


def reference_frames(file: str) -> np.ndarray:
    """uint8 [T, S, S, 3]: blocks of 16 pixels in random colours that move up by one block a frame."""
    size, count = int(file.rsplit("_", 1)[1]), LENGTHS[file]
    cells = size // 16
    colours = np.random.RandomState(7).randint(0, 256, (cells + count, cells, 3)).astype(np.uint8)
    return np.stack([colours[t : t + cells].repeat(16, 0).repeat(16, 1) for t in range(count)])
