"""Tracker: one frame after another; prompts in, results out."""

from .mask_quality import Alarm, MaskQuality
from .presence import PresenceRule
from .prompts import Box, Mask, Points, Prompt
from .results import FrameResult, ObjectResult, ObjectState
from .settings import Batching
from .tracker import Tracker

__all__ = [
    "Alarm",
    "Batching",
    "Box",
    "FrameResult",
    "Mask",
    "MaskQuality",
    "ObjectResult",
    "ObjectState",
    "Points",
    "PresenceRule",
    "Prompt",
    "Tracker",
]
