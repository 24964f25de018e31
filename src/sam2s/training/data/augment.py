"""What is done to a clip before the network sees it: as in the SAM 2.1 reference implementation's fine-tuning.

Legend: T frames, N objects, S side of the square image. Images are float32 in 0 to 1, masks bool.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.errors import ConfigError
from sam2s.training.settings import require, require_share

FILL = (123 / 255, 116 / 255, 103 / 255)
"""Colour of what a turned picture does not cover."""

_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True, slots=True)
class Augmentation:
    """How much; everything but `frame_colour` is the same for all frames of a clip.

    Attributes:
        flip: probability of a mirror image.
        rotation, shear: largest angles in degrees.
        colour: largest relative changes of brightness, contrast and saturation.
        grey: probability of a clip without colours.
        frame_colour: as `colour`, drawn anew for every frame.
    """

    flip: float = 0.5
    rotation: float = 25.0
    shear: float = 20.0
    colour: tuple[float, float, float] = (0.1, 0.03, 0.03)
    grey: float = 0.05
    frame_colour: tuple[float, float, float] = (0.1, 0.05, 0.05)

    def __post_init__(self) -> None:
        require_share(self, "flip", "grey")
        require(self, "rotation", least=0, below=180.001)
        require(self, "shear", least=0, below=90)
        for name in ("colour", "frame_colour"):
            if not all(0 <= change <= 1 for change in getattr(self, name)):
                raise ConfigError(f"{name} is {list(getattr(self, name))}; each change is a share, from 0 to 1")


def augment(
    images: Tensor, masks: Tensor, how: Augmentation, rng: np.random.Generator, *, aspect: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Mirror, turn and recolour a clip.

    Args:
        images: [T, 3, S, S].
        masks: [N, T, S, S]; they go where the pixels of the image go, without being filtered.
        how: how much.
        rng: chooses.
        aspect: width over height of the frames before they were squeezed to a square, so that a turn is a turn.
    """
    if rng.random() < how.flip:
        images, masks = images.flip(-1), masks.flip(-1)
    if how.rotation or how.shear:
        angle, shear = (math.radians(a * rng.uniform(-1, 1)) for a in (how.rotation, how.shear))
        images, masks = turn(images, masks, angle, shear, aspect=aspect)
    images = recolour(images, *_factors(how.colour, rng))
    if rng.random() < how.grey:
        images = _luminance(images).expand_as(images)
    if any(how.frame_colour):
        changes = [_factors(how.frame_colour, rng) for _ in images]
        brightness, contrast, saturation = torch.tensor(changes).T.reshape(3, -1, 1, 1, 1)
        images = recolour(images, brightness, contrast, saturation)
    return images, masks


def turn(images: Tensor, masks: Tensor, angle: float, shear: float, *, aspect: float = 1.0) -> tuple[Tensor, Tensor]:
    """Rotate (radians, clockwise) and shear a clip round its centre; left alone if frame 0 would lose all its objects.

    Images are sampled bilinearly, masks at the nearest pixel.
    """
    back = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    back = torch.tensor([[1.0, -math.tan(shear)], [0.0, 1.0]]) @ back
    squeeze = torch.tensor([aspect, 1.0])
    theta = torch.cat((back / squeeze[:, None] * squeeze, torch.zeros(2, 1)), dim=1)
    grid = F.affine_grid(theta[None], [1, 1, *images.shape[-2:]], align_corners=False)
    # Every mask is a channel of one picture: they all move alike.
    moved = F.grid_sample(masks.flatten(0, 1)[None].float(), grid, mode="nearest", align_corners=False)[0] > 0.5
    moved = moved.view_as(masks)
    if masks[:, 0].any() and not moved[:, 0].any():
        return images, masks
    fill = torch.tensor(FILL).view(3, 1, 1)
    channels = (images - fill).flatten(0, 1)[None]
    return F.grid_sample(channels, grid, mode="bilinear", align_corners=False)[0].view_as(images) + fill, moved


def recolour(
    images: Tensor, brightness: float | Tensor, contrast: float | Tensor, saturation: float | Tensor
) -> Tensor:
    """Scale brightness, the distance from a frame's mean grey, and that from a pixel's own grey; 1 changes nothing."""
    images = (images * brightness).clamp_(0, 1)
    mean = _luminance(images).mean((-2, -1), keepdim=True)
    images.sub_(mean).mul_(contrast).add_(mean).clamp_(0, 1)
    grey = _luminance(images)
    return images.sub_(grey).mul_(saturation).add_(grey).clamp_(0, 1)


def _factors(most: tuple[float, float, float], rng: np.random.Generator) -> list[float]:
    return [1 + m * rng.uniform(-1, 1) for m in most]


def _luminance(images: Tensor) -> Tensor:
    red, green, blue = (weight * images[:, k : k + 1] for k, weight in enumerate(_GREY))
    return red.add_(green).add_(blue)
