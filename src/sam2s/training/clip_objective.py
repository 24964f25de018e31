"""One batch through the network, down to its loss: the forward pass that DDP wraps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from sam2s.model import SAM2S

from .batch import ClipBatch
from .kinds import name_masks
from .losses import LossWeights, clip_loss
from .prompting import PromptRules, draw_prompts
from .rollout import Answer, rollout


class ClipObjective(nn.Module):
    """The network, prompted and held against the truth.

    Every random number of a batch is drawn from the seed, the step and the number of the batch. So it is the same
    whoever computes the batch, and a resumed run draws what an uninterrupted one would have.

    Args:
        network: what learns.
        rules: how clips are prompted.
        weights: of the loss.
        seed: decides everything.
        precision: what autocast computes in; float32 turns it off.
        real_distances: object pointers are told how many frames of the video lie between, not of the clip.
    """

    def __init__(
        self,
        network: SAM2S,
        rules: PromptRules,
        weights: LossWeights,
        *,
        seed: int,
        precision: torch.dtype,
        real_distances: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.rules, self.weights, self.seed, self.precision = rules, weights, seed, precision
        self.real_distances = real_distances

    def forward(
        self, batch: ClipBatch, step: int, number: int, *, objects: float, teacher: float, scale: float, keep: bool
    ) -> tuple[Tensor, dict[str, Tensor], dict[int, Tensor]]:
        """Answer a batch.

        Args:
            batch: the clips.
            step: of the optimiser.
            number: of the batch among all batches of the step, on all processes.
            objects: what sums over objects are divided by.
            teacher: share of frames that are remembered with their true masks.
            scale: what the cosine to a name is multiplied by.
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
            if self.weights.only_kinds:
                yield from name_masks(self.network, batch)
                return
            given = self.network, batch, plan, generator
            for answer in rollout(*given, teacher=teacher, real_distances=self.real_distances):
                if keep and answer.logits is not None:
                    shown[answer.frame] = _chosen(answer)
                yield answer

        with _computing_in(self.precision, device):
            bank = self.network.text_bank if self.weights.tsl or self.weights.kinds else None
            loss, terms = clip_loss(answers(), batch, self.weights, bank, objects=objects, scale=scale)
        return loss, terms, shown


@contextmanager
def _computing_in(precision: torch.dtype, device: torch.device) -> Iterator[None]:
    """Autocast, with the attention that learns fastest there.

    On a CPU the fused attention of PyTorch goes backward in bf16 at a third of its speed in float32; written out as
    products in bf16 it is faster than either: a step of `micro` at 256 px takes 3.1 s instead of 4.0 s, and 4.9 s in
    float32 (one core with AVX512-BF16).
    """
    low = precision != torch.float32
    with torch.autocast(device.type, precision, enabled=low), _attention_kernel(low and device.type == "cpu"):
        yield


@contextmanager
def _attention_kernel(written_out: bool) -> Iterator[None]:
    """Attention as products in half precision, or as PyTorch chooses."""
    if not written_out:
        yield
        return
    cuda = torch.backends.cuda
    before = cuda.fp16_bf16_reduction_math_sdp_allowed()
    cuda.allow_fp16_bf16_reduction_math_sdp(True)  # of all devices, whatever the name
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        cuda.allow_fp16_bf16_reduction_math_sdp(before)


def enable_activation_checkpointing(network: SAM2S) -> None:
    """Let the trunk's blocks keep their inputs alone, and compute again what the backward pass needs.

    What is computed again must be what was computed: the backward pass runs outside the context that chose the
    attention's kernel, and another kernel keeps other tensors. PyTorch brings back autocast, but not that choice.
    """
    for block in network.image_encoder.trunk.blocks:
        block.forward = partial(_checkpointed, block.forward)  # type: ignore[assignment]


def _checkpointed(forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    written_out = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    contexts = lambda: (nullcontext(), _attention_kernel(written_out))  # noqa: E731
    return checkpoint(forward, x, use_reentrant=False, context_fn=contexts)


def _generator(*numbers: int) -> torch.Generator:
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]) >> 1)


@torch.no_grad()
def _chosen(answer: Answer) -> Tensor:
    assert answer.logits is not None
    best = answer.logits[torch.arange(len(answer.ious), device=answer.ious.device), answer.ious.argmax(1)]
    return torch.where(answer.object_logit[..., None] > 0, best, -1.0).float()
