"""The numbers that make a network: one frozen record, five presets."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

from sam2s.errors import ConfigError

Semantic = Literal["off", "joint", "reader"]

STRIDE = 16
"""Pixels of the model image per location of the image embedding and of the memory maps."""

SLOTS = 7
"""Temporal slots of the memory attention of SAM 2.1, beside the one for long-term memory."""


_LARGEST = {
    "embed_dim": 1024,
    "num_heads": 64,
    "stages": 128,
    "global_blocks": 512,
    "window_sizes": 256,
    "pos_grid": 256,
    "image_size": 4096,
    "hidden_dim": 4096,
    "mem_dim": 4096,
    "memory_layers": 64,
    "memory_mlp": 65536,
    "fuser_layers": 64,
    "decoder_depth": 64,
    "decoder_mlp": 65536,
    "decoder_heads": 64,
    "num_maskmem": 64,
    "max_pointers": 4096,
    "text_dim": 65536,
}
"""Sizes far beyond any useful network, so that a damaged file cannot ask for all memory of a machine."""

_MAY_BE_ZERO = ("global_blocks", "window_sizes", "memory_layers", "fuser_layers")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes of a SAM2S network. Defaults are those that all four SAM 2.1 networks share.

    Attributes:
        name: preset the sizes come from.
        embed_dim: channels of the first trunk stage; each further stage doubles them.
        num_heads: attention heads of the first stage; doubled likewise.
        stages: transformer blocks in each of the four stages (strides 4, 8, 16, 32).
        global_blocks: indices of blocks that attend over the whole map instead of windows.
        window_sizes: window side in tokens, by stage.
        pos_grid: side of the learned background position grid.
        image_size: side of the square model image in pixels, a multiple of 32.
        hidden_dim: channels C of the image embedding, the tokens and the object pointers.
        mem_dim: channels of a memory map; pointers are cut into hidden_dim / mem_dim tokens.
        memory_layers: layers of the memory attention.
        memory_mlp: hidden width of its feed-forward network.
        fuser_layers: ConvNeXt blocks of the memory encoder.
        decoder_depth: two-way blocks of the mask decoder.
        decoder_mlp: hidden width of their feed-forward network.
        decoder_heads: attention heads of the mask decoder.
        num_maskmem: temporal slots: 7, which are six short-term ones and one for conditioning frames.
        max_pointers: object pointers read per frame, which is also the unit of their temporal distance.
        semantic: the CLS token of SAM2S (Sec. TSL). "off": plain SAM 2.1. "joint": CLS is a full token that others also
            attend to. "reader": CLS reads but is never read, so the masks stay those of SAM 2.1, but for rounding.
        text_dim: width of the text features that CLS is compared with.
        categories: names of the text bank's rows.
        text_encoder: the CLIP that made the text bank; "" for a bank that is learned with the network.
        templates: what the names were put into, with {} in the name's place.
        confident_iou: predicted IoU above which a frame may enter long-term memory, measured on the network's own
            predictions (`sam2s weights calibrate`); None where nobody has, which leaves it to `MemoryPolicy`.
        presence_scale: what the object score is multiplied by before it becomes the probability that the object is
            visible, so that the probability can be believed (`sam2s quality fit`).
        presence_shift: what is added after that.
        quality: what tells how far masks can be believed, as `sam2s.quality` stores it; "" for its default.
    """

    name: str
    embed_dim: int
    num_heads: int
    stages: tuple[int, int, int, int]
    global_blocks: tuple[int, ...]
    window_sizes: tuple[int, int, int, int] = (8, 4, 14, 7)
    pos_grid: int = 7
    image_size: int = 1024
    hidden_dim: int = 256
    mem_dim: int = 64
    memory_layers: int = 4
    memory_mlp: int = 2048
    fuser_layers: int = 2
    decoder_depth: int = 2
    decoder_mlp: int = 2048
    decoder_heads: int = 8
    num_maskmem: int = SLOTS
    max_pointers: int = 16
    semantic: Semantic = "off"
    text_dim: int = 512
    categories: tuple[str, ...] = ()
    text_encoder: str = ""
    templates: tuple[str, ...] = ()
    confident_iou: float | None = None
    presence_scale: float = 1.0
    presence_shift: float = 0.0
    quality: str = ""

    def __post_init__(self) -> None:
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            numbers = value if isinstance(value, tuple) else (value,)
            least = 0 if name in _MAY_BE_ZERO else 1
            if not all(type(n) is int and least <= n <= largest for n in numbers):
                raise ConfigError(
                    f"{name} {value!r} cannot be used: whole numbers from {least} to {largest} are allowed"
                )
        for name in ("stages", "window_sizes"):
            if not (isinstance(value := getattr(self, name), tuple) and len(value) == 4):
                raise ConfigError(f"{name} {value!r} cannot be used: the trunk has four stages, so give four numbers")
        size = self.image_size
        if size % 32 or size < 64:
            near = max(64, round(size / 32) * 32)
            raise ConfigError(
                f"image_size {size} cannot be used: the trunk halves the image five times and tiles 8x8 windows at "
                f"stride 4, so it must be a multiple of 32, at least 64; the nearest is {near}"
            )
        if self.hidden_dim % self.mem_dim:
            raise ConfigError(f"hidden_dim {self.hidden_dim} must be a multiple of mem_dim {self.mem_dim}")
        if self.hidden_dim % 4 or self.hidden_dim % (2 * self.decoder_heads):
            raise ConfigError(
                f"hidden_dim {self.hidden_dim} must be a multiple of 4 (axial rotary angles) and of twice the "
                f"{self.decoder_heads} decoder heads"
            )
        if self.num_maskmem != SLOTS:
            raise ConfigError(
                f"num_maskmem {self.num_maskmem} cannot be used: memory has {SLOTS} temporal slots, six for recent "
                f"frames and one for conditioning frames; give {SLOTS}"
            )
        if self.confident_iou is not None and not 0 <= self.confident_iou <= 1:
            raise ConfigError(f"confident_iou {self.confident_iou:g} is outside 0 to 1")
        for name in ("presence_scale", "presence_shift"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value):
                raise ConfigError(f"{name} {value!r} is not a number")
        if self.presence_scale <= 0:
            raise ConfigError(f"presence_scale {self.presence_scale:g} must be above 0, or presence would be reversed")
        if self.semantic not in ("off", "joint", "reader"):
            raise ConfigError(f"semantic {self.semantic!r} is not one of 'off', 'joint', 'reader'")

    @property
    def grid(self) -> int:
        """Side h = w of the image embedding and of the memory maps."""
        return self.image_size // STRIDE

    @property
    def stage_dims(self) -> tuple[int, ...]:
        """Channels of the four stages."""
        return tuple(self.embed_dim * 2**stage for stage in range(4))


PRESETS: dict[str, ModelConfig] = {
    "micro": ModelConfig(
        "micro",
        embed_dim=32,
        num_heads=1,
        stages=(1, 2, 5, 1),
        global_blocks=(4, 5, 6, 7, 8),
        window_sizes=(8, 8, 8, 8),
        image_size=256,
        hidden_dim=128,
        memory_layers=2,
        memory_mlp=512,
        decoder_mlp=512,
        text_dim=128,
    ),
    "tiny": ModelConfig("tiny", embed_dim=96, num_heads=1, stages=(1, 2, 7, 2), global_blocks=(5, 7, 9)),
    "small": ModelConfig("small", embed_dim=96, num_heads=1, stages=(1, 2, 11, 2), global_blocks=(7, 10, 13)),
    "base-plus": ModelConfig(
        "base-plus", embed_dim=112, num_heads=2, stages=(2, 3, 16, 3), global_blocks=(12, 16, 20), pos_grid=14
    ),
    "large": ModelConfig(
        "large",
        embed_dim=144,
        num_heads=2,
        stages=(2, 6, 36, 4),
        global_blocks=(23, 33, 43),
        window_sizes=(8, 4, 16, 8),
    ),
}


def preset(name: str, **changes: Any) -> ModelConfig:
    """Return the sizes of a preset, with some of them changed.

    >>> preset("base-plus", image_size=512).grid
    32

    Raises:
        ConfigError: the name is not a preset (the nearest one is suggested) or a change cannot work.
    """
    if name not in PRESETS:
        near = get_close_matches(name, PRESETS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"no network preset {name!r}; choose one of {', '.join(PRESETS)}{hint}")
    return replace(PRESETS[name], **changes)
