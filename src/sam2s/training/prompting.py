"""Simulated prompts: what a person would have pointed at, drawn from the true masks as SAM 2 does in training.

Legend: N objects, T frames, S image size; masks are bool [N, S, S], coordinates (x, y) pixels of the model image. The
generator is the CPU's, wherever the masks lie, so that a seed means the same on any device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from sam2s.model.prompt_encoder import BOX_BOTTOM_RIGHT, BOX_TOP_LEFT

from .batch import ClipBatch
from .settings import require, require_share

PromptKind = Literal["mask", "box", "click"]


class Pointed(NamedTuple):
    """Coordinates [N, P, 2] and labels [N, P] of what was pointed at so far."""

    coords: Tensor
    labels: Tensor

    def then(self, more: Pointed) -> Pointed:
        """These and more."""
        return Pointed(torch.cat((self.coords, more.coords), dim=1), torch.cat((self.labels, more.labels), dim=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRules:
    """How clips are prompted; the defaults are those that SAM 2.1 was trained with.

    Attributes:
        prob_points: probability that a clip starts from clicks or boxes instead of true masks.
        prob_box: given that, probability that a frame starts from a box instead of a click.
        conditioning: most frames that are prompted from the start; the number is drawn from 1 up.
        corrected: most frames that get correction clicks, if the clip does not start from masks; the number is drawn
            from that of the prompted frames up, and these are among them.
        rounds: correction clicks of such a frame.
        prob_click_from_gt: probability that a correction click falls anywhere on the object instead of on an error.
        jitter: a box's sides are moved by up to this share of its size...
        jitter_limit: ...and by no more pixels than this.
    """

    prob_points: float = 0.5
    prob_box: float = 0.5
    conditioning: int = 2
    corrected: int = 2
    rounds: int = 7
    prob_click_from_gt: float = 0.1
    jitter: float = 0.1
    jitter_limit: float = 20.0

    def __post_init__(self) -> None:
        require_share(self, "prob_points", "prob_box", "prob_click_from_gt", "jitter")
        require(self, "conditioning", least=1)
        require(self, "corrected", "rounds", "jitter_limit", least=0)


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """How the objects of one batch are prompted.

    Attributes:
        starts: frames that are prompted from the start, and how; frame 0 comes first.
        corrected: frames that get correction clicks.
        rules: what the plan was drawn by.
    """

    starts: dict[int, PromptKind]
    corrected: tuple[int, ...]
    rules: PromptRules


def draw_prompts(generator: torch.Generator, batch: ClipBatch, rules: PromptRules) -> PromptPlan:
    """Draw how a batch is prompted.

    Pictures always start from a click or a box and are corrected. Clips with long-term frames are prompted, and
    corrected, on their first frame alone: the others must stay what they are. Frames after the first are prompted only
    where somebody looked for all objects, and one frame at least is left to be tracked.
    """
    frames = batch.images.shape[1]
    still = frames == 1
    by_mask = float(torch.rand((), generator=generator)) >= rules.prob_points and not still
    free = [] if batch.long_term or still else batch.known.all(0).nonzero()[:, 0].tolist()
    others = _shuffled([frame for frame in free if frame], generator)
    conditioning = _between(1, min(rules.conditioning, 1 + len(others), max(1, frames - 1)), generator)
    starts = [0, *others[: conditioning - 1]]
    kinds = [_kind(by_mask, rules, generator) for _ in starts]
    corrected: list[int] = []
    if not by_mask and rules.corrected and rules.rounds:
        most = min(rules.corrected, 1 + len(others))
        corrected = [0, *others][: _between(min(conditioning, most), most, generator)]
    return PromptPlan(dict(zip(starts, kinds, strict=True)), tuple(corrected), rules)


def start(kind: PromptKind, masks: Tensor, rules: PromptRules, generator: torch.Generator) -> Pointed:
    """The first click or box in every mask."""
    if kind == "box":
        return box_prompt(masks, generator, jitter=rules.jitter, limit=rules.jitter_limit)
    return click(masks, torch.zeros_like(masks), generator)


def correction(predicted: Tensor, masks: Tensor, rules: PromptRules, generator: torch.Generator) -> Pointed:
    """A click where each prediction is wrong, or now and then anywhere on the object."""
    anywhere = torch.rand(len(masks), 1, 1, generator=generator).to(masks.device) < rules.prob_click_from_gt
    return click(masks, predicted & ~anywhere, generator)


def click(masks: Tensor, predicted: Tensor, generator: torch.Generator) -> Pointed:
    """A click in each prediction's error region: positive where object was missed, negative where it was invented.

    Where nothing is wrong it is a negative one on the background.
    """
    wrong = predicted != masks
    coords = sample_pixel(torch.where(wrong.flatten(1).any(1)[:, None, None], wrong, ~masks), generator)
    columns, rows = coords.long().unbind(1)
    labels = masks[torch.arange(len(masks), device=masks.device), rows, columns].long()
    return Pointed(coords[:, None], labels[:, None])


def sample_pixel(regions: Tensor, generator: torch.Generator) -> Tensor:
    """A pixel drawn uniformly from each region, [N, S, S] bool -> [N, 2]; anywhere where a region is empty."""
    flat = regions.flatten(1)
    sums = torch.where(flat.any(1, keepdim=True), flat, True).cumsum(1)
    drawn = torch.rand(len(flat), 1, generator=generator, dtype=torch.float64).to(flat.device, torch.float32)
    rank = (drawn * sums[:, -1:]).long().clamp(max=sums[:, -1:] - 1)  # which of its pixels, from 0
    index = torch.searchsorted(sums, rank + 1)[:, 0]
    width = regions.shape[-1]
    return torch.stack((index % width, index // width), dim=1).float()


def box_prompt(masks: Tensor, generator: torch.Generator, *, jitter: float = 0.1, limit: float = 20.0) -> Pointed:
    """Tight boxes, every side moved by up to `jitter` of the box (at most `limit` pixels), as two labelled points.

    The box of an empty mask is the corner pixel.
    """
    size = masks.shape[-1]
    rows, columns = masks.any(2), masks.any(1)

    def ends(line: Tensor) -> tuple[Tensor, Tensor]:
        return line.float().argmax(1), size - 1 - line.flip(1).float().argmax(1)

    (y0, y1), (x0, x1) = ends(rows), ends(columns)
    corners = torch.stack((x0, y0, x1, y1), dim=1).float() * rows.any(1, keepdim=True)
    sides = (corners[:, 2:] - corners[:, :2]).repeat(1, 2)
    noise = (torch.rand(corners.shape, generator=generator) * 2 - 1).to(masks.device)
    corners = (corners + noise * (sides * jitter).clamp(max=limit)).clamp(0, size - 1)
    labels = torch.tensor([BOX_TOP_LEFT, BOX_BOTTOM_RIGHT], device=masks.device).expand(len(masks), 2)
    return Pointed(corners.view(-1, 2, 2), labels)


def _kind(by_mask: bool, rules: PromptRules, generator: torch.Generator) -> PromptKind:
    boxed = float(torch.rand((), generator=generator)) < rules.prob_box
    return "mask" if by_mask else "box" if boxed else "click"


def _between(least: int, most: int, generator: torch.Generator) -> int:
    return int(torch.randint(least, most + 1, (), generator=generator))


def _shuffled(frames: list[int], generator: torch.Generator) -> list[int]:
    return [frames[i] for i in torch.randperm(len(frames), generator=generator).tolist()]
