"""The network: nn.Modules, tensors in and out; no files, no video, no state between calls."""

from .config import PRESETS, ModelConfig, preset
from .contract import Network
from .frame_rules import condition_features, is_ambiguous, make_memory, segment_frame
from .image_encoder import ImageFeatures
from .memory_attention import LONG_TERM_SLOT, Memory
from .network import SAM2S, build
from .prompt_encoder import Prompt
from .segment import NO_OBJECT_LOGIT, Segmentation, mask_prompt_logits, segment, segment_from_mask, upsample

__all__ = [
    "LONG_TERM_SLOT",
    "NO_OBJECT_LOGIT",
    "PRESETS",
    "SAM2S",
    "ImageFeatures",
    "Memory",
    "ModelConfig",
    "Network",
    "Prompt",
    "Segmentation",
    "build",
    "condition_features",
    "is_ambiguous",
    "make_memory",
    "mask_prompt_logits",
    "preset",
    "segment",
    "segment_frame",
    "segment_from_mask",
    "upsample",
]
