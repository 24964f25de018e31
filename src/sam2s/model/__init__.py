"""The network: nn.Modules, tensors in and out; no files, no video, no state between calls."""

from .config import PRESETS, ModelConfig, preset
from .contract import Network
from .image_encoder import ImageFeatures
from .memory_attention import LONG_TERM_SLOT, Memory
from .network import SAM2S, build
from .prompt_encoder import Prompt
from .segment import Segmentation, segment, segment_from_mask, upsample

__all__ = [
    "LONG_TERM_SLOT",
    "PRESETS",
    "SAM2S",
    "ImageFeatures",
    "Memory",
    "ModelConfig",
    "Network",
    "Prompt",
    "Segmentation",
    "build",
    "preset",
    "segment",
    "segment_from_mask",
    "upsample",
]
