"""One clip: frames of a video, masks of a few of its objects, at the network's size.

Legend: T frames, n objects of the clip, S side of the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from sam2s.errors import ConfigError, DatasetError
from sam2s.tracking.preprocess import MEAN, STD, model_mask, resize
from sam2s.tracking.prompts import Mask

from .augment import Augmentation, augment
from .pictures import sides
from .sampling import LONG_TERM, consecutive, divemem
from .video import TrainingVideo


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipSettings:
    """What clips are like.

    Attributes:
        size: side of the image in pixels.
        frames: frames of a clip.
        clips: clips in a batch.
        pictures: single pictures in a batch of pictures.
        objects: most objects taken from a clip.
        divemem: share of clips sampled as in DiveMem, the others being consecutive frames.
        picture_share: share of batches that hold single pictures, where a source has some.
        reverse: share of consecutive clips that run backwards in time.
        strides: distances of the frames that follow each other, drawn evenly.
        min_area: smallest share of the first frame that an object must cover.
        merge: share of clips in which one object is two taken for one: what is an object is the prompt's to say.
        interrupted: share of clips in which some frames are replaced by those of another video or by dark ones, so that
            presence is learned; DiveMem clips are interrupted after their long-term frames.
        augmentation: what is done to a clip.
    """

    size: int
    frames: int = 8
    clips: int = 1
    pictures: int = 4
    objects: int = 3
    divemem: float = 0.5
    picture_share: float = 0.2
    reverse: float = 0.0
    strides: tuple[int, ...] = (1,)
    min_area: float = 0.0
    merge: float = 0.0
    interrupted: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name in ("size", "frames", "clips", "pictures", "objects"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; a clip needs at least 1")
        for name in ("divemem", "picture_share", "reverse", "min_area", "merge", "interrupted"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it is a share, from 0 to 1")
        if not self.strides or min(self.strides) < 1:
            raise ConfigError(f"strides are {list(self.strides)}; give distances of at least 1, such as [1]")
        if self.divemem and 1 < self.frames <= LONG_TERM + 2:
            raise ConfigError(
                f"frames is {self.frames}, too few for DiveMem clips; give at least {LONG_TERM + 3}, or divemem 0"
            )


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
    times = _times(video, settings, rng, frames=frames, dive=dive)
    if times is None:
        return None
    groups = _objects(video.cover(times[0]), settings, rng)
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


def _times(
    video: TrainingVideo, settings: ClipSettings, rng: np.random.Generator, *, frames: int, dive: bool
) -> list[int] | None:
    """Numbers of the clip's frames."""
    numbers = video.frames
    if not numbers:
        return None

    def shown(position: int) -> bool:
        return any(share >= settings.min_area for share in video.cover(numbers[position]).values())

    stride = int(rng.choice(settings.strides))
    if dive:
        positions = divemem(len(numbers), frames, shown, rng, stride=stride)
    else:
        reverse = bool(rng.random() < settings.reverse)
        positions = consecutive(len(numbers), frames, shown, rng, stride=stride, reverse=reverse)
    return None if positions is None else [numbers[i] for i in positions]


def _objects(cover: Mapping[int, float], settings: ClipSettings, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Ids of the clip's objects, each one id, or two where they are taken for one."""
    visible = [i for i in sorted(cover) if cover[i] >= settings.min_area]
    groups: list[tuple[int, ...]] = [(i,) for i in rng.permutation(visible)[: settings.objects].tolist()]
    if len(visible) > 1 and rng.random() < settings.merge:
        groups[0] = tuple(rng.permutation(visible)[:2].tolist())
    return groups


def _row(video: TrainingVideo, group: tuple[int, ...], names: Sequence[str]) -> int:
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
