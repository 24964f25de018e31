"""Which part of the network learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from sam2s.model import SAM2S

from .lora import add_adapters
from .settings import require, require_positive

Part = Literal["all", "decoder", "memory", "lora"]

ADDITIONS = ("long_term_tpos_enc", "cls_token", "semantic_proj", "text_bank")
"""What SAM2S adds to SAM 2.1; it has no weights to keep, so it always learns."""

PARTS: dict[Part, tuple[str, ...]] = {
    "all": ("",),
    "decoder": ("sam_mask_decoder", "sam_prompt_encoder", *ADDITIONS),
    "memory": (
        "memory_attention",
        "memory_encoder",
        "maskmem_tpos_enc",
        "obj_ptr_proj",
        "obj_ptr_tpos_proj",
        "no_obj_ptr",
        "no_obj_embed_spatial",
        "no_mem_embed",
        "mask_downsample",
        *ADDITIONS,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Learning:
    """What learns.

    Attributes:
        part: "all"; "decoder" (and the prompt encoder); "memory" (attention, encoder, pointers); "lora": everything but
            the image encoder, which gets low-rank adapters on its linear layers and is otherwise frozen.
        rank, alpha: of the adapters; their product counts alpha / rank.
    """

    part: Part = "all"
    rank: int = 8
    alpha: float = 16.0

    def __post_init__(self) -> None:
        require(self, "rank", least=1)
        require_positive(self, "alpha")


def freeze(model: SAM2S, learning: Learning) -> None:
    """Let only the chosen part have gradients."""
    if learning.part == "lora":
        model.image_encoder.requires_grad_(False)
        add_adapters(model.image_encoder, learning.rank, learning.alpha)
    else:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name.startswith(PARTS[learning.part]))
    model.no_mem_pos_enc.requires_grad_(False)  # official checkpoints carry it, nothing uses it


def what_learns(model: nn.Module) -> str:
    """A line for each part of the network: how many of its numbers learn."""
    counts: dict[str, list[int]] = {}
    for name, parameter in model.named_parameters():
        count = counts.setdefault(name.split(".")[0], [0, 0])
        count[0] += parameter.numel() * parameter.requires_grad
        count[1] += parameter.numel() - parameter.numel() * parameter.requires_grad
    counts["in all"] = [sum(count[0] for count in counts.values()), sum(count[1] for count in counts.values())]
    lines = [f"  {name:22} {learns:12,} {frozen:12,}" for name, (learns, frozen) in counts.items()]
    return "\n".join([f"  {'':22} {'learns':>12} {'frozen':>12}", *lines])
