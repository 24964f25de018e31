"""Pictures that show what teaching changed: accepted masks beside those of the weights before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sam2s.checkpoints import Checkpoint, assemble
from sam2s.evaluation.protocols import track
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.videos import EvalVideo
from sam2s.files import replacing
from sam2s.masks.labels import font
from sam2s.masks.layer import OverlayLayer
from sam2s.masks.overlay import GROUND, draw
from sam2s.memory import MemoryPolicy
from sam2s.model import Network
from sam2s.progress import ProgressCallback, ignore_progress

VIDEOS_SHOWN = 4
PANEL_WIDTH = 480
"""Pixels of each of the three panels."""
CAPTION_HEIGHT = 36
CAPTIONS = ("accepted", "before", "after")

Masks = dict[int, np.ndarray]


def write_pictures(
    before: Checkpoint,
    after: Checkpoint,
    videos: Sequence[EvalVideo],
    folder: Path,
    *,
    image_size: int | None = None,
    report_progress: ProgressCallback = ignore_progress,
) -> list[Path]:
    """Write a picture of the middle and of the last frame of held-out videos, each object shown by a box at the start.

    The frames are not chosen by the result. Returns the files, `VIDEO-FRAME.jpg`.

    Args:
        before, after: the weights.
        videos: the held-out part; of many, `VIDEOS_SHOWN` are shown.
        folder: to write; replaced if it is there.
        image_size: side of the network's image; None for what the weights were made for.
        report_progress: told "drawing", videos done and videos in all.
    """
    networks: list[Network] = []
    for config, state, _ in (before, after):
        config = config if image_size is None else replace(config, image_size=image_size)
        networks.append(assemble(config, state).float().eval())
    shown = [video for video in videos if video.objects][:VIDEOS_SHOWN]
    names: list[str] = []
    with replacing(folder) as partial:
        partial.mkdir(parents=True, exist_ok=True)
        for done, video in enumerate(shown):
            report_progress("drawing", done, len(shown))
            last = len(video.stems) - 1
            frames = sorted({last // 2, last})
            tracked = [_masks_on(network, video, frames) for network in networks]
            for frame in frames:
                image = next(iter(video.source.frames(frame, frame + 1))).image
                panels = [video.truth(frame), *(masks.get(frame, {}) for masks in tracked)]
                names.append(f"{video.name.rsplit('/', 1)[-1]}-{video.stems[frame]}.jpg")
                side_by_side(image, panels).save(partial / names[-1], quality=88)
    return [folder / name for name in names]


def side_by_side(image: np.ndarray, panels: Sequence[Mapping[int, np.ndarray]]) -> Image.Image:
    """One picture [h, 3 w] with a caption over each panel: the image with the masks of each panel drawn in."""
    height = max(1, round(image.shape[0] * PANEL_WIDTH / image.shape[1]))
    sheet = Image.new("RGB", (len(panels) * PANEL_WIDTH, height + CAPTION_HEIGHT), GROUND)
    pen = ImageDraw.Draw(sheet)
    for place, (caption, masks) in enumerate(zip(CAPTIONS, panels, strict=True)):
        layers = [OverlayLayer(object_id, mask) for object_id, mask in sorted(masks.items()) if mask.any()]
        drawn = Image.fromarray(draw(image, layers, labels=False)).resize((PANEL_WIDTH, height))
        sheet.paste(drawn, (place * PANEL_WIDTH, CAPTION_HEIGHT))
        pen.text((place * PANEL_WIDTH + 12, 5), caption, fill=(217, 224, 232), font=font(22))
    return sheet


def _masks_on(network: Network, video: EvalVideo, frames: Sequence[int]) -> dict[int, Masks]:
    """Masks by frame and object, tracked from a box on the first frame of each object."""
    kept: dict[int, Masks] = {}
    for result in track(network, MemoryPolicy(), video, Prompting.BOX):
        if result.index in frames:
            kept[result.index] = {object_id: entry.mask for object_id, entry in result.objects.items()}
    return kept
