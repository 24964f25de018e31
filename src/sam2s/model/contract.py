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
    def image_size(self) -> int: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def text_bank(self) -> Tensor: ...
    @property
    def no_obj_ptr(self) -> Tensor: ...

    def encode_image(self, images: Tensor) -> ImageFeatures: ...
    def without_memory(self, embedding: Tensor) -> Tensor: ...
    def first_cls(self, batch: int) -> Tensor | None: ...
    def attend(self, embedding: Tensor, memory: Memory) -> tuple[Tensor, Tensor | None]: ...
    def encode_prompt(
        self, batch: int, points: tuple[Tensor, Tensor] | None = None, mask_logits: Tensor | None = None
    ) -> Prompt: ...
    def decode(
        self, embedding: Tensor, features: ImageFeatures, prompt: Prompt, cls: Tensor | None = None
    ) -> Decoded: ...
    def encode_memory(self, embedding: Tensor, logits: Tensor, object_logit: Tensor, *, binarize: bool) -> Tensor: ...
    def semantic_logits(self, cls: Tensor) -> Tensor: ...

    def digest(self) -> str:
        """Differs between networks of other sizes, weights or precision; reads all weights."""
        ...

    def mask_downsample(self, mask: Tensor, /) -> Tensor:
        """A mask [B, 1, S, S] reduced to the size of a mask prompt [B, 1, 4h, 4w]."""
        ...

    def obj_ptr_proj(self, tokens: Tensor, /) -> Tensor:
        """Mask tokens [B, C] -> object pointers [B, C]."""
        ...
