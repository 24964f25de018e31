"""Simulated prompts: what a person would have pointed at, drawn from the true masks.

Legend: N objects, S image size; masks are bool [N, S, S], coordinates (x, y) pixels of the model image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sam2s.model.prompt_encoder import BOX_BOTTOM_RIGHT, BOX_TOP_LEFT


def sample_pixel(regions: Tensor, generator: torch.Generator) -> Tensor:
    """A pixel drawn uniformly from each region, [N, S, S] bool -> [N, 2]; anywhere where a region is empty."""
    flat = regions.flatten(1).float()
    flat = torch.where(flat.any(1, keepdim=True), flat, 1.0)
    index = torch.multinomial(flat, 1, generator=generator)[:, 0]
    width = regions.shape[-1]
    return torch.stack((index % width, index // width), dim=1).float()


def first_click(masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One positive click in every mask: coordinates [N, 1, 2] and labels [N, 1]."""
    return sample_pixel(masks, generator)[:, None], torch.ones(len(masks), 1, dtype=torch.long)


def correction_click(predicted: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A click in each prediction's error region: positive where object was missed, negative where it was invented."""
    coords = sample_pixel(predicted != masks, generator)
    rows, cols = coords[:, 1].long(), coords[:, 0].long()
    labels = masks[torch.arange(len(masks)), rows, cols].long()
    return coords[:, None], labels[:, None]


def box_prompt(
    masks: Tensor, generator: torch.Generator, *, jitter: float = 0.1, limit: float = 20.0
) -> tuple[Tensor, Tensor]:
    """Tight boxes, every side moved by up to `jitter` of the box (at most `limit` pixels), as two labelled points."""
    size = masks.shape[-1]
    rows, cols = masks.any(2), masks.any(1)

    def ends(line: Tensor) -> tuple[Tensor, Tensor]:
        return line.float().argmax(1), size - 1 - line.flip(1).float().argmax(1)

    (y0, y1), (x0, x1) = ends(rows), ends(cols)
    corners = torch.stack((x0, y0, x1, y1), dim=1).float()
    sides = torch.stack((x1 - x0, y1 - y0), dim=1).float().repeat(1, 2)
    noise = torch.rand(corners.shape, generator=generator) * 2 - 1
    corners = (corners + noise * (sides * jitter).clamp(max=limit)).clamp(0, size - 1)
    labels = torch.tensor([BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]).expand(len(masks), 2)
    return corners.view(-1, 2, 2), labels
