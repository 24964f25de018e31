"""A picture of an explanation: the frame with its mask, what it read of its memory, and the masks it chose from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw

from sam2s.masks.labels import font
from sam2s.masks.layer import OverlayLayer
from sam2s.masks.overlay import GROUND, draw
from sam2s.session.explain import Explanation

PANEL, GAP, TEXT, COLUMNS = 240, 12, 15, 4
"""Width of a panel, space between panels, height of text, panels in a row; pixels."""

HOT = np.array([[255, 214, 10], [255, 60, 0]], dtype=np.float32)
"""Colours of little and of much attention."""

Panel = tuple[np.ndarray, str]
"""A picture uint8 [H, W, 3] and what stands below it."""


def explanation_sheet(explanation: Explanation, image: np.ndarray, memory: Mapping[int, np.ndarray]) -> np.ndarray:
    """Draw an explanation as rows of panels with a heading each, uint8 [H, W, 3].

    Args:
        explanation: what is drawn.
        image: the frame, uint8 [H, W, 3].
        memory: the frames that were read, by index, of the same size.
    """
    name, result = explanation.object_id, explanation.result
    shown = draw(image, [OverlayLayer(name, result.mask)], labels=False)
    words = "answers a prompt" if result.prompted else str(result.state).replace("_", " ")
    rows: list[tuple[str, list[Panel]]] = [
        (
            f"Object {name} on frame {explanation.frame}",
            [(shown, f"{words}, IoU {result.iou:.2f}, presence {result.presence:.2f}")],
        )
    ]
    for candidate in explanation.candidates:
        picture = draw(image, [OverlayLayer(name, candidate.mask)], labels=False)
        rows[0][1].append((picture, f"{'chosen' if candidate.chosen else 'not chosen'}, IoU {candidate.iou:.2f}"))
    if explanation.reads:
        peak = max(float(read.heat.max()) for read in explanation.reads)
        panels = [
            (heat_over(memory[read.frame], read.heat, peak), f"frame {read.frame}, {read.kind}, {read.share:.1%}")
            for read in explanation.reads
        ]
        pointers = sum(pointer.share for pointer in explanation.pointers)
        title = f"Where the mask's attention went; {pointers:.1%} went to {len(explanation.pointers)} object pointers"
        rows.append((title, panels))
    return _compose(rows)


def heat_over(image: np.ndarray, heat: np.ndarray, peak: float) -> np.ndarray:
    """A picture uint8 [H, W, 3] with attention [h, w] laid over it; `peak` is the amount shown strongest."""
    height, width = image.shape[:2]
    amount = Image.fromarray(heat.astype(np.float32) / max(peak, 1e-12), mode="F")
    share = np.asarray(amount.resize((width, height), Image.Resampling.BILINEAR)).clip(0, 1)[..., None]
    colour = HOT[0] + (HOT[1] - HOT[0]) * share
    grey = image.mean(2, keepdims=True).repeat(3, 2)
    opacity = 0.85 * np.sqrt(share)
    return np.asarray((1 - opacity) * grey + opacity * colour).round().astype(np.uint8)


def _compose(rows: list[tuple[str, list[Panel]]]) -> np.ndarray:
    """Rows of panels, each under its heading."""
    height, width = rows[0][1][0][0].shape[:2]
    tall = round(PANEL * height / width)
    lines = sum(-(-len(panels) // COLUMNS) for _, panels in rows)
    size = COLUMNS * (PANEL + GAP) + GAP, len(rows) * 3 * TEXT + lines * (tall + 2 * TEXT + GAP) + GAP
    sheet = Image.new("RGB", size, GROUND)
    pen, y = ImageDraw.Draw(sheet), GAP
    for title, panels in rows:
        pen.text((GAP, y), title, fill=(240, 240, 240), font=font(TEXT + 3))
        y += 2 * TEXT
        for first in range(0, len(panels), COLUMNS):
            for column, (picture, text) in enumerate(panels[first : first + COLUMNS]):
                x = GAP + column * (PANEL + GAP)
                sheet.paste(Image.fromarray(picture).resize((PANEL, tall), Image.Resampling.LANCZOS), (x, y))
                pen.text((x, y + tall + 3), text, fill=(200, 205, 212), font=font(TEXT - 2))
            y += tall + 2 * TEXT + GAP
        y += TEXT
    return np.asarray(sheet)
