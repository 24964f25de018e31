"""From pixels and prompts of the source frame to what the network reads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sam2s.errors import PromptError, SourceError
from sam2s.masks import rle
from sam2s.model.prompt_encoder import BOX_BOTTOM_RIGHT, BOX_TOP_LEFT

from .prompts import Box, Mask, Points, Prompt

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def resize(image: np.ndarray, size: int) -> Tensor:
    """Squeeze a frame to the network's square, as the SAM 2.1 reference implementation does.

    The aspect ratio is not kept; the filter is Pillow's bicubic in uint8. A frame of the right size is not filtered.

    Args:
        image: uint8 [H, W, 3] RGB.
        size: side S of the network's image.

    Returns:
        uint8 [1, S, S, 3]

    Raises:
        SourceError: the frame is not a uint8 RGB picture.
    """
    check_picture(image)
    if image.shape[:2] != (size, size):
        image = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
    return torch.from_numpy(np.array(image))[None]


def check_picture(image: np.ndarray) -> None:
    """Refuse a frame that is not a picture the network can read.

    Raises:
        SourceError: it is not uint8 [H, W, 3].
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise SourceError(f"a frame is uint8 [H, W, 3] RGB, got {image.dtype} {list(image.shape)}; convert it first")


def normalise(pixels: Tensor) -> Tensor:
    """Pixels uint8 [B, S, S, 3] -> what the network reads, float32 [B, 3, S, S], on the same device."""
    mean, std = _statistics(pixels.device)
    return (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std


@cache
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, std = (torch.tensor(x, device=device).view(3, 1, 1) for x in (MEAN, STD))
    return mean, std


@dataclass(frozen=True, slots=True, eq=False)
class ModelPrompt:
    """What was said of one object on one frame, as the network reads it.

    Attributes:
        coords: points in pixels of the network's image; a box is its two corners.
        labels: of the prompt encoder, one a point.
        mask: bool [1, 1, S, S] of a mask prompt, which is its own answer; else None.
        given: run lengths of that mask as it was given, at the size of the source frame.
    """

    coords: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    mask: Tensor | None = field(default=None, repr=False)
    given: rle.Rle | None = field(default=None, repr=False)

    def then(self, later: ModelPrompt) -> ModelPrompt:
        """Add the clicks that came after these; a box or a mask starts anew."""
        if later.given is not None or BOX_TOP_LEFT in later.labels:
            return later
        return ModelPrompt(self.coords + later.coords, self.labels + later.labels)

    @property
    def mask_holds_pixels(self) -> bool:
        """Whether the mask that was given shows anything."""
        return self.given is not None and rle.area(self.given) > 0

    def without_mask(self) -> ModelPrompt:
        """The same when the network has read its mask; the run lengths stay."""
        return self if self.mask is None else replace(self, mask=None)

    def tensors(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Coordinates [1, P, 2] and labels [1, P]."""
        return torch.tensor([self.coords], device=device), torch.tensor([self.labels], device=device)


def convert_prompt(prompt: Prompt, frame_size: tuple[int, int], size: int) -> ModelPrompt:
    """Check a prompt against a frame of `frame_size` (H, W) and scale it to the network's square of side `size`.

    Raises:
        PromptError: it is not a prompt, a click or the whole box lies outside the frame, or a mask has another size.
            A box that is partly outside is clipped.
    """
    height, width = frame_size

    def scaled(x: float, y: float) -> tuple[float, float]:
        return x / width * size, y / height * size

    if isinstance(prompt, Mask):
        return ModelPrompt(mask=model_mask(prompt, frame_size, size), given=rle.encode(prompt.array))
    if isinstance(prompt, Box):
        x0, x1 = max(prompt.x0, 0.0), min(prompt.x1, float(width))
        y0, y1 = max(prompt.y0, 0.0), min(prompt.y1, float(height))
        if x1 <= x0 or y1 <= y0:
            corners = f"{prompt.x0:g},{prompt.y0:g},{prompt.x1:g},{prompt.y1:g}"
            raise PromptError(
                f"box {corners} lies outside the frame of {width}x{height} pixels; give x0,y0,x1,y1 inside it"
            )
        return ModelPrompt((scaled(x0, y0), scaled(x1, y1)), (BOX_TOP_LEFT, BOX_BOTTOM_RIGHT))
    if not isinstance(prompt, Points):
        raise PromptError(
            f"a prompt is Points, Box or Mask, got {type(prompt).__name__}; make one, as Box(x0, y0, x1, y1)"
        )
    for x, y in prompt.coords:
        if not (0 <= x <= width and 0 <= y <= height):
            raise PromptError(
                f"point {x:g},{y:g} lies outside the frame of {width}x{height} pixels; give x,y inside it"
            )
    return ModelPrompt(tuple(scaled(x, y) for x, y in prompt.coords), prompt.labels)


def model_mask(prompt: Mask, frame_size: tuple[int, int], size: int) -> Tensor:
    """Resize a mask prompt to the network's square: bilinear with antialiasing, then a half as threshold.

    Returns:
        bool [1, 1, size, size]

    Raises:
        PromptError: the mask has not the size of the frame.
    """
    if prompt.array.shape != frame_size:
        (h, w), (height, width) = prompt.array.shape, frame_size
        raise PromptError(
            f"mask of {w}x{h} pixels does not fit the frame of {width}x{height}; give one of the frame's size"
        )
    mask = torch.from_numpy(prompt.array)[None, None].float()
    if frame_size != (size, size):
        mask = F.interpolate(mask, (size, size), mode="bilinear", align_corners=False, antialias=True)
    return mask >= 0.5
