"""What tracking needs of a network, whatever library computes it."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from .config import ModelConfig
from .image_encoder import ImageFeatures
from .mask_decoder import Decoded
from .memory_attention import Memory
from .prompt_encoder import Prompt


class Network(Protocol):
    """SAM2S in PyTorch (`model.SAM2S`) or exported (`onnx.OnnxNetwork`); shapes and meaning as in `model.network`."""

    config: ModelConfig

    @property
    def image_size(self) -> int:
        """Side S of the square model image, pixels."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Floating type that it computes in."""
        ...

    @property
    def text_bank(self) -> Tensor:
        """Text features [K, text_dim]; all zero where there is no bank."""
        ...

    @property
    def no_obj_ptr(self) -> Tensor:
        """Object pointer [1, C] of an absent object."""
        ...

    def encode_image(self, images: Tensor) -> ImageFeatures:
        """Normalised images [B, 3, S, S] -> features."""
        ...

    def without_memory(self, embedding: Tensor) -> Tensor:
        """Embedding [B, C, h, w] for a frame that is prompted before anything is remembered."""
        ...

    def first_cls(self, batch: int) -> Tensor | None:
        """The CLS token [B, 1, C] of frames that bypass memory attention; None without semantics."""
        ...

    def attend(self, embedding: Tensor, memory: Memory) -> tuple[Tensor, Tensor | None]:
        """Condition the embedding [B or 1, C, h, w] on memory -> [B, C, h, w], and CLS [B, 1, C] or None."""
        ...

    def encode_prompt(
        self, batch: int, points: tuple[Tensor, Tensor] | None = None, mask_logits: Tensor | None = None
    ) -> Prompt:
        """Encode points [B, P, 2] with labels [B, P], or mask logits [B, 1, 4h, 4w], of B objects."""
        ...

    def decode(self, embedding: Tensor, features: ImageFeatures, prompt: Prompt, cls: Tensor | None = None) -> Decoded:
        """Read masks, scores and tokens off a conditioned embedding [B, C, h, w]."""
        ...

    def encode_memory(self, embedding: Tensor, logits: Tensor, object_logit: Tensor, *, binarize: bool) -> Tensor:
        """Make memory maps [B, mem_dim, h, w] of an embedding [B or 1, C, h, w] and mask logits [B, 1, S, S]."""
        ...

    def semantic_logits(self, cls: Tensor) -> Tensor:
        """CLS tokens [B, C] -> float32 logits [B, K] over the text bank."""
        ...

    def digest(self) -> str:
        """Differs between networks of other sizes, weights or precision; reads all weights."""
        ...

    def mask_downsample(self, mask: Tensor, /) -> Tensor:
        """A mask [B, 1, S, S] reduced to the size of a mask prompt [B, 1, 4h, 4w]."""
        ...

    def obj_ptr_proj(self, tokens: Tensor, /) -> Tensor:
        """Mask tokens [B, C] -> object pointers [B, C]."""
        ...
