"""Doubt about a prompt: how far the masks of slightly different prompts agree, at the price of one decoder call."""

from __future__ import annotations

import torch
from torch import Tensor

from sam2s.model import ImageFeatures, Network, condition_features, segment_frame
from sam2s.model.prompt_encoder import BOX_TOP_LEFT
from sam2s.tracking.preprocess import ModelPrompt

CLICK_JITTER, BOX_JITTER, CORNER_JITTER = 0.01, 0.02, 0.1
"""How far a click is moved, and the corners of a box at most, as shares of the picture's side; and corners as a share
of the box's shorter side."""
_WAYS = ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (0.7, 0.7), (-0.7, -0.7), (0.7, -0.7), (-0.7, 0.7))

ADVICE = {
    "points": "add a click on the part that is missing or wrong, or use a box or a mask; clicks alone are known to "
    "fail on tissue",
    "box": "add a click inside the object, draw the box tighter, or give a mask",
}
"""What to do about a prompt in doubt, by its kind."""


class PromptWarning(UserWarning):
    """A prompt that may be understood in different ways."""


def prompt_kind(prompt: ModelPrompt) -> str:
    """What an object is shown by: "mask", "box" (with or without clicks) or "points"."""
    if prompt.given is not None:
        return "mask"
    return "box" if BOX_TOP_LEFT in prompt.labels else "points"


@torch.inference_mode()
def prompt_agreement(network: Network, features: ImageFeatures, prompt: ModelPrompt) -> float:
    """Mean IoU of the masks of eight jittered prompts with the mask of the prompt itself.

    Clicks are shifted together; the corners of a box are also shifted against each other. The object's memory is not
    used. A mask prompt is its own answer, so its agreement is 1.

    Args:
        network: the network.
        features: of the frame, which are reused.
        prompt: what was said of one object, in pixels of the network's image.

    Returns:
        0 to 1; 1 where all masks are empty.
    """
    if prompt_kind(prompt) == "mask" or not prompt.coords:
        return 1.0
    coords, labels = prompt.tensors(network.device)
    places = jittered(coords[0], labels[0], network.image_size)
    count = len(places)
    answer = segment_frame(
        network,
        features,
        condition_features(network, features, None, count),
        objects=count,
        points=(places, labels.expand(count, -1)),
    )
    return agreement_with_first((answer.logits[:, 0] > 0).flatten(1))


def jittered(coords: Tensor, labels: Tensor, side: int) -> Tensor:
    """A prompt's points [P, 2] in pixels of an image of this side, and eight times moved a little: [9, P, 2].

    All points move by `CLICK_JITTER` of the side. With a box they move by `BOX_JITTER` of it, at most by
    `CORNER_JITTER` of the box's shorter side, and in the last four the top left corner moves the other way.
    """
    ways = torch.tensor([(0.0, 0.0), *_WAYS], device=coords.device)[:, None]
    moved, reach = ways.expand(-1, len(coords), -1).clone(), CLICK_JITTER * side
    corners = (labels == BOX_TOP_LEFT).nonzero()
    if len(corners):
        corner = int(corners[0, 0])
        moved[5:, corner] *= -1
        reach = min(BOX_JITTER * side, CORNER_JITTER * float((coords[corner + 1] - coords[corner]).abs().min()))
    return (coords + moved * reach).clamp(0, side)


def agreement_with_first(masks: Tensor) -> float:
    """Mean IoU of the masks bool [1 + N, P] but the first with the first; two empty masks agree."""
    shared = (masks[1:] & masks[:1]).sum(1).float()
    union = (masks[1:] | masks[:1]).sum(1).float()
    return float(torch.where(union > 0, shared / union.clamp(min=1), 1.0).mean())


def prompt_warning(kind: str, where: str) -> str:
    """One sentence on a prompt in doubt, and what to do about it.

    Args:
        kind: "points" or "box".
        where: which prompt, such as "object 1 on frame 0".
    """
    prompt = "clicks" if kind == "points" else "box"
    return f"{where}: the mask of the {prompt} is in doubt, so look at it there; {ADVICE[kind]}"
