"""Small pictures of an object on a frame."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from sam2s.app.desk import VideoDesk
from sam2s.app.views import hex_colour, parse_colour
from sam2s.masks import rle

_MARGIN = 0.35
_SHADE = 0.45


def overlay_thumbnail(desk: VideoDesk, frame: int, object_id: int, width: int) -> bytes:
    """A frame cut round an object's mask, which is tinted; the whole frame where it has none. JPEG."""
    info = desk.object(object_id)
    reader = desk.reader()
    image = desk.frames.frame(frame).image
    entry = reader.read_frame(frame).objects.get(object_id) if reader else None
    if entry is not None:
        x, y, w, h = rle.bbox(entry.rle)
        if w and h:
            image = image.copy()
            mask = entry.mask
            colour = np.array(parse_colour(hex_colour(info)), np.float32)
            image[mask] = ((1 - _SHADE) * image[mask] + _SHADE * colour).astype(np.uint8)
            image = _cut(image, (x, y, w, h))
    picture = Image.fromarray(image)
    picture = picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _cut(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Cut a part with the frame's own proportions round a box, with a margin."""
    x, y, w, h = box
    height, width = image.shape[:2]
    share = min(1.0, max(w / width, h / height) * (1 + 2 * _MARGIN), 1.0)
    part_h, part_w = max(8, round(height * share)), max(8, round(width * share))
    top = int(np.clip(y + h / 2 - part_h / 2, 0, height - part_h))
    left = int(np.clip(x + w / 2 - part_w / 2, 0, width - part_w))
    return np.ascontiguousarray(image[top : top + part_h, left : left + part_w])
