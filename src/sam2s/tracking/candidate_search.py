"""Search for lost objects in the whole frame: the mask decoder is prompted at many places, and the masks are compared.

One search serves all lost objects of a frame, since the candidates do not depend on the object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from sam2s.memory import SearchRule
from sam2s.model import Network, Segmentation, segment_frame
from sam2s.model.prompt_encoder import BOX_BOTTOM_RIGHT, BOX_TOP_LEFT, POSITIVE

from .appearance import Appearance, Gallery, compute_appearance
from .frame_context import FrameContext
from .preprocess import convert_prompt
from .presence import PresenceRule
from .proposers import load_proposer, proposal_box

CHUNK = 16
"""Prompts per batch of the mask decoder, which bounds its memory."""

SAME = 0.7
"""IoU from which two candidates are duplicates; the one with the higher predicted IoU is kept."""

SMALLEST = 4
"""Minimum number of pixels of a candidate, at a quarter of the network's image size."""


_proposer = lru_cache(maxsize=4)(load_proposer)


@dataclass(frozen=True, slots=True, eq=False)
class SearchCandidate:
    """A candidate for lost objects on a frame.

    Attributes:
        answer: output of the mask decoder.
        mask: bool [4h * 4w].
        appearance: its appearance.
        presence: probability that something is there, by the rule of presence.
    """

    answer: Segmentation
    mask: Tensor
    appearance: Appearance
    presence: float

    def evidence(self, gallery: Gallery) -> float:
        """Evidence that it is the object of a gallery, 0 to 1."""
        return evidence(self.answer, self.presence, self.appearance, gallery)


def evidence(answer: Segmentation, presence: float, appearance: Appearance, gallery: Gallery) -> float:
    """How much speaks for a mask being the object's: predicted IoU times presence times likeness, 0 to 1."""
    return float(answer.iou) * presence * gallery.likeness(appearance)


def grid_points(side: int, size: int) -> Tensor:
    """Centres of a regular grid of side * side squares of the network's image, float32 [side * side, 1, 2], (x, y)."""
    middle = (torch.arange(side, dtype=torch.float32) + 0.5) * (size / side)
    return torch.stack(torch.meshgrid(middle, middle, indexing="xy"), dim=-1).reshape(-1, 1, 2)


def search_prompts(rule: SearchRule, model: Network, context: FrameContext) -> tuple[Tensor, Tensor]:
    """Prompts of a search: points [P, 1, 2] of the grid, or corners [P, 2, 2] of proposed boxes; and their labels."""
    if rule.proposer is None:
        points = grid_points(rule.grid, model.image_size)
        return points, torch.full(points.shape[:2], POSITIVE)
    shape = context.frame.image.shape
    proposals = sorted(_proposer(rule.proposer)(context.frame.image), key=lambda proposal: -proposal.score)
    boxes = [proposal_box(proposal, context.frame.index, shape) for proposal in proposals[: rule.decoder_calls]]
    corners = [convert_prompt(box, context.size, model.image_size).coords for box in boxes]
    return torch.tensor(corners).reshape(-1, 2, 2), torch.tensor([[BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]] * len(corners))


def find_candidates(
    rule: SearchRule, model: Network, context: FrameContext, presence: PresenceRule
) -> list[SearchCandidate]:
    """Segment a frame at all prompts of a search, without memory; returns distinct masks, best first."""
    features = context.features
    points, labels = (tensor.to(model.device) for tensor in search_prompts(rule, model, context))
    answers: list[Segmentation] = []
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        count = len(points[part])
        bare = model.without_memory(features.embedding).expand(count, -1, -1, -1)
        answer = segment_frame(
            model,
            features,
            (bare, model.first_cls(count)),
            objects=count,
            points=(points[part], labels[part]),
        )
        answers += answer.without_candidates().split()
    masks = [(answer.logits[0, 0] > 0).flatten() for answer in answers]
    order = sorted(range(len(answers)), key=lambda i: -float(answers[i].iou))
    chosen: list[int] = []
    for i in order:
        if int(masks[i].sum()) >= SMALLEST and all(mask_iou(masks[i], masks[j]) < SAME for j in chosen):
            chosen.append(i)
    return [
        SearchCandidate(
            answers[i],
            masks[i],
            compute_appearance(features, answers[i]),
            presence.probability(answers[i].object_logit),
        )
        for i in chosen
    ]


def mask_iou(one: Tensor, other: Tensor) -> float:
    """Intersection over union of two bool masks, 0 where both are empty."""
    return float((one & other).sum()) / max(1, int((one | other).sum()))


def choose_candidate(
    rule: SearchRule,
    candidates: list[SearchCandidate],
    gallery: Gallery,
    usual: float,
    taken: list[Tensor],
    rivals: Mapping[int, Gallery],
) -> tuple[SearchCandidate | None, list[float]]:
    """Choose the candidate that is the lost object, if one stands out.

    It must have `take` of the usual evidence and `margin` times that of the best candidate elsewhere; at most `overlap`
    of it may lie within the mask of a tracked object, and no other lost object may have more evidence for it.

    Args:
        rule: the numbers.
        candidates: of the frame.
        gallery: of the object.
        usual: its usual evidence.
        taken: masks, bool [4h * 4w], of the objects that are tracked on the frame.
        rivals: galleries of the other lost objects, by id.

    Returns:
        the candidate or None, and the evidence for each; 0 where it belongs to a tracked object.
    """
    scores = []
    for candidate in candidates:
        inside = max((float((candidate.mask & mask).sum()) for mask in taken), default=0.0)
        other = inside >= rule.overlap * float(candidate.mask.sum())
        scores.append(0.0 if other else candidate.evidence(gallery))
    if not scores or max(scores) < rule.take * usual or max(scores) == 0:
        return None, scores
    best = scores.index(max(scores))
    chosen = candidates[best]
    elsewhere = [s for c, s in zip(candidates, scores, strict=True) if mask_iou(c.mask, chosen.mask) == 0]
    if scores[best] < rule.margin * max(elsewhere, default=0.0):
        return None, scores
    if any(chosen.evidence(rival) > scores[best] for rival in rivals.values()):
        return None, scores
    return chosen, scores


def taken_mask(answer: Segmentation) -> Tensor:
    """The mask bool [4h * 4w] of an answer."""
    return (answer.logits[0, 0] > 0).flatten()
