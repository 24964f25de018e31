"""One batch through the network, down to its loss: the forward pass that DDP wraps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sam2s.model import SAM2S

from .batch import ClipBatch
from .losses import LossWeights, clip_loss
from .prompting import PromptRules, draw_prompts
from .rollout import Answer, rollout


class Lesson(nn.Module):
    """The network, prompted and held against the truth.

    Every random number of a batch is drawn from the seed, the step and the number of the batch. So it is the same
    whoever computes the batch, and a resumed run draws what an uninterrupted one would have.

    Args:
        network: what learns.
        rules: how clips are prompted.
        weights: of the loss.
        seed: decides everything.
        precision: what autocast computes in; float32 turns it off.
    """

    def __init__(
        self, network: SAM2S, rules: PromptRules, weights: LossWeights, *, seed: int, precision: torch.dtype
    ) -> None:
        super().__init__()
        self.network = network
        self.rules, self.weights, self.seed, self.precision = rules, weights, seed, precision

    def forward(
        self, batch: ClipBatch, step: int, number: int, *, objects: float, teacher: float, keep: bool
    ) -> tuple[Tensor, dict[str, Tensor], dict[int, Tensor]]:
        """Answer a batch.

        Args:
            batch: the clips.
            step: of the optimiser.
            number: of the batch among all batches of the step, on all processes.
            objects: what sums over objects are divided by.
            teacher: share of frames that are remembered with their true masks.
            keep: whether to return what was predicted.

        Returns:
            the loss, its terms, and by frame the chosen logits [N, h, w].
        """
        device = batch.images.device
        plan = draw_prompts(_generator(self.seed, step), batch, self.rules)
        generator = _generator(self.seed, step, 1 + number)
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))  # dropout
        shown: dict[int, Tensor] = {}

        def answers() -> Iterator[Answer]:
            for answer in rollout(self.network, batch, plan, generator, teacher=teacher):
                if keep and answer.logits is not None:
                    shown[answer.frame] = _chosen(answer)
                yield answer

        with torch.autocast(device.type, self.precision, enabled=self.precision != torch.float32):
            bank = self.network.text_bank if self.weights.tsl else None
            loss, terms = clip_loss(answers(), batch, self.weights, bank, objects=objects)
        return loss, terms, shown


def save_memory(network: SAM2S) -> None:
    """Let the trunk's blocks keep their inputs alone, and compute again what the backward pass needs."""
    for block in network.image_encoder.trunk.blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)  # type: ignore[assignment]


def _generator(*numbers: int) -> torch.Generator:
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]) >> 1)


@torch.no_grad()
def _chosen(answer: Answer) -> Tensor:
    assert answer.logits is not None
    best = answer.logits[torch.arange(len(answer.ious), device=answer.ious.device), answer.ious.argmax(1)]
    return torch.where(answer.object_logit[..., None] > 0, best, -1.0).float()
