"""Contact sheets of training data: what lies on disk, and what the network gets to see of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image

from sam2s.errors import ConfigError
from sam2s.files import replacing
from sam2s.masks.overlay import GROUND, OverlayLayer, contact_sheet, draw
from sam2s.tracking.preprocess import MEAN, STD
from sam2s.training.batch import ClipBatch

from .stream import ClipStream
from .video import TrainingEntry, TrainingVideo

SUFFIXES = (".png", ".jpg")

_WIDTH = 480

_T = TypeVar("_T")

Cells = tuple[list[np.ndarray], list[str]]
"""Pictures and their captions."""


def video_cells(entries: Sequence[TrainingEntry], *, videos: int, frames: int) -> Cells:
    """Evenly spaced frames of evenly spaced videos, a row a video; a short one fills only the start of its row."""
    images: list[np.ndarray] = []
    captions: list[str] = []
    for entry in _spaced(entries, videos):
        video = entry.read()
        if not (chosen := _spaced(video.frames, frames)):
            continue
        for frame, picture in zip(chosen, video.images(chosen), strict=True):
            images.append(_draw(video, frame, picture))
            captions.append(f"{entry.name}  {frame}")
        images += [np.full_like(images[-1], GROUND)] * (frames - len(chosen))
        captions += [""] * (frames - len(chosen))
    return images, captions


def clip_cells(stream: ClipStream, names: Sequence[str], *, clips: int) -> Cells:
    """Clips as the network gets them: drawn, cut, mirrored, turned and recoloured; a row a clip."""
    batches = (stream.batch(number) for number in count())
    rows = ((batch, b) for batch in batches for b in range(len(batch.images)))
    shown = [(draw_clip(batch, b, names), roles(batch, b)) for batch, b in islice(rows, clips)]
    return [image for images, _ in shown for image in images], [role for _, roles in shown for role in roles]


def write_sheet(cells: Cells, path: Path, *, columns: int | None) -> None:
    """Write a contact sheet as PNG or JPEG, by default about as wide as 16:9.

    Raises:
        ConfigError: the file has another suffix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{path}: give a picture, {' or '.join(SUFFIXES)}")
    sheet = contact_sheet(
        *cells, columns=columns, width=480 if columns is None else min(480, max(200, 2400 // columns))
    )
    with replacing(path) as partial:
        Image.fromarray(sheet).save(partial, "PNG" if path.suffix.lower() == ".png" else "JPEG")


def draw_clip(
    batch: ClipBatch, b: int, names: Sequence[str] = (), masks: torch.Tensor | None = None
) -> list[np.ndarray]:
    """The frames of clip `b` with its true masks, or with others of the same shape (bool [N, T, S, S])."""
    masks = batch.masks if masks is None else masks
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    levels = (batch.images[b] * std + mean).nan_to_num().clamp(0, 1) * 255
    pixels = levels.round().byte().permute(0, 2, 3, 1).numpy()
    rows = (batch.owner == b).nonzero()[:, 0].tolist()
    pictures = []
    for t, image in enumerate(pixels):
        layers = []
        for k, n in enumerate(rows, start=1):
            category = int(batch.category[n])
            state = "visible" if masks[n, t].any() else "absent" if batch.known[n, t] else "unknown"
            layers.append(
                OverlayLayer(k, masks[n, t].numpy(), names[category] if category >= 0 and names else None, state)
            )
        pictures.append(_overlay(image, layers))
    return pictures


def roles(batch: ClipBatch, b: int) -> list[str]:
    """What each frame of a clip is to the memory."""
    times = batch.times[b].tolist()
    found = ["conditioning", *["long-term"] * batch.long_term]
    found += ["short-term"] * (len(times) - len(found))
    return [f"{time}  {role}" for time, role in zip(times, found, strict=True)]


def _draw(video: TrainingVideo, frame: int, picture: np.ndarray) -> np.ndarray:
    masks = video.masks(frame, list(video.cover(frame)))
    return _overlay(picture, [OverlayLayer(i, mask, video.category(i)) for i, mask in masks.items()])


def _overlay(picture: np.ndarray, layers: Sequence[OverlayLayer]) -> np.ndarray:
    """A picture with masks, enlarged where it is so small that their names would hide it."""
    times = max(1, _WIDTH // picture.shape[1])
    layers = [replace(layer, mask=layer.mask.repeat(times, 0).repeat(times, 1)) for layer in layers]
    return draw(picture.repeat(times, 0).repeat(times, 1), layers)


def _spaced(items: Sequence[_T], number: int) -> list[_T]:
    """At most `number` items, evenly spaced."""
    chosen = sorted({round(t) for t in np.linspace(0, len(items) - 1, min(number, len(items)))})
    return [items[i] for i in chosen]
