"""Looking at built videos: a contact sheet, or a clip with the objects drawn over the frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from sam2s.errors import ConfigError
from sam2s.files import replacing
from sam2s.masks.layer import OverlayLayer
from sam2s.masks.overlay import contact_sheet, draw
from sam2s.sasv.masklets import LabelState, MaskletVideo
from sam2s.video.writer import VideoWriter

_DEFAULT_FPS = Fraction(2)  # of sources without a rate, and of those too slow to watch
SHEETS = (".png", ".jpg")
CLIPS = (".mp4", ".mkv", ".webm")


def overlay(video: MaskletVideo, frame: int) -> np.ndarray:
    """uint8 [H, W, 3]: one frame with its objects drawn and named; unknown ones are left out."""
    masks = video.masks(frame)
    layers = [
        OverlayLayer(o.id, masks[o.id], o.category, "visible" if o.state(frame) is LabelState.MASK else "absent")
        for o in video.objects
        if o.id in masks and o.seen
    ]
    return draw(video.image(frame), layers)


def show(video: MaskletVideo, path: Path, *, frames: int = 12) -> None:
    """Write a contact sheet (.png, .jpg) of evenly spaced frames, or a clip (.mp4, .mkv, .webm) of all.

    Raises:
        ConfigError: the file has another suffix.
    """
    if path.suffix.lower() in CLIPS:
        fps = max(video.fps or _DEFAULT_FPS, _DEFAULT_FPS)
        with VideoWriter(path, video.size, fps) as writer:
            for t in range(len(video)):
                writer.write(overlay(video, t))
    elif path.suffix.lower() in SHEETS:
        chosen = sorted({round(t) for t in np.linspace(0, len(video) - 1, min(frames, len(video)))})
        sheet = contact_sheet([overlay(video, t) for t in chosen], [f"{video.id}  {t}" for t in chosen])
        with replacing(path) as partial:
            Image.fromarray(sheet).save(partial, "PNG" if path.suffix.lower() == ".png" else "JPEG")
    else:
        raise ConfigError(f"{path}: give a picture ({', '.join(SHEETS)}) or a clip ({', '.join(CLIPS)})")
