"""Picture files of training data: what is read of them often is kept, what is known of them needs no decoding.

Pictures and masks are read as tracking reads them: upright, by one depth for a whole video, masks of any kind by the
one reader of masks.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from sam2s.masks.mask_pictures import mask_picture_size
from sam2s.masks.palette import read_label_map
from sam2s.picture_files import picture_size, read_picture

__all__ = ["mask_picture_size", "picture_size", "read_labels", "read_picture", "sides"]


@lru_cache(maxsize=16)
def read_labels(path: Path) -> np.ndarray:
    """Object ids [H, W] of a label map; the last few are kept, because a clip asks for the same one several times."""
    labels = read_label_map(path)
    labels.flags.writeable = False
    return labels


def sides(size: tuple[int, int]) -> str:
    """A size as people write it, width first."""
    return f"{size[1]}x{size[0]}"
