"""One clip: frames of a video, masks of a few of its objects, at the network's size.

Legend: T frames, n objects of the clip, S side of the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sam2s.errors import DatasetError
from sam2s.tracking.preprocess import MEAN, STD, model_mask, resize
from sam2s.tracking.prompts import Mask

from .augment import augment
from .clip_settings import ClipSettings
from .frame_choice import Group, choose_frames
from .pictures import sides
from .video import TrainingVideo


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip ready for the network; fields as in `ClipBatch`, without the batch."""

    images: Tensor
    masks: Tensor
    known: Tensor
    category: Tensor
    times: Tensor


def cut_clip(
    video: TrainingVideo,
    settings: ClipSettings,
    names: Sequence[str],
    rng: np.random.Generator,
    *,
    frames: int,
    dive: bool,
) -> Clip | None:
    """Draw a clip from a video.

    Args:
        video: where from; only the frames and masks that the clip holds are read.
        settings: what the clip is like.
        names: categories that have a number.
        rng: chooses.
        frames: T, 1 for a picture.
        dive: whether it is a DiveMem clip.

    Returns:
        The clip, or None where none was found that shows an object on its first frame.

    Raises:
        DatasetError: a file cannot be read, or a mask does not fit its frame.
    """
    chosen = choose_frames(video, settings, rng, frames=frames, dive=dive)
    if chosen is None:
        return None
    times, groups = chosen
    images, masks, aspect = _read(video, times, sorted({i for group in groups for i in group}), settings.size)
    known = torch.tensor([[all(i in masks[time] for i in group) for time in times] for group in groups])
    nothing = torch.zeros(settings.size, settings.size, dtype=torch.bool)
    layers = [
        torch.stack([torch.stack([masks[time].get(i, nothing) for i in group]).any(0) for time in times])
        for group in groups
    ]
    images, moved = augment(images, torch.stack(layers), settings.augmentation, rng, aspect=aspect)
    kept = moved[:, 0].flatten(1).any(1)  # others are too small for S, or turned out of the picture
    if not kept.any():
        return None
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    rows = torch.tensor([_row(video, group, names) for group in groups])
    return Clip((images - mean) / std, moved[kept], known[kept], rows[kept], torch.tensor(times))


def _read(
    video: TrainingVideo, times: Sequence[int], ids: Sequence[int], size: int
) -> tuple[Tensor, dict[int, dict[int, Tensor]], float]:
    """Images float32 [T, 3, S, S] in 0 to 1, masks bool [S, S] by time and id, and the aspect ratio of the video."""
    distinct = sorted(set(times))
    images: dict[int, Tensor] = {}
    masks: dict[int, dict[int, Tensor]] = {}
    for time, picture in zip(distinct, video.images(distinct), strict=True):
        images[time] = resize(picture, size)
        masks[time] = {i: _mask(video, time, m, picture, size) for i, m in video.masks(time, ids).items()}
    pixels = torch.cat([images[time] for time in times]).permute(0, 3, 1, 2)
    return pixels.float() / 255, masks, picture.shape[1] / picture.shape[0]


def _row(video: TrainingVideo, group: Group, names: Sequence[str]) -> int:
    """Number of the category that all of a group share, or -1."""
    found = {video.category(i) for i in group}
    name = found.pop()
    return names.index(name) if name in names and not found else -1


def _mask(video: TrainingVideo, time: int, mask: np.ndarray, picture: np.ndarray, size: int) -> Tensor:
    """bool [S, S], squeezed as in tracking."""
    if mask.shape != picture.shape[:2]:
        found, wanted = sides(mask.shape), sides(picture.shape[:2])
        raise DatasetError(
            f"{video.name} frame {time}: the mask is {found}, the picture {wanted}; see sam2s data check"
        )
    return model_mask(Mask(mask), picture.shape[:2], size)[0, 0]
