"""Tracker: one frame after another; prompts in, results out."""

from .presence import PresenceRule
from .prompts import Box, Mask, Points, Prompt
from .results import FrameResult, ObjectResult, ObjectState
from .tracker import Tracker

__all__ = [
    "Box",
    "FrameResult",
    "Mask",
    "ObjectResult",
    "ObjectState",
    "Points",
    "PresenceRule",
    "Prompt",
    "Tracker",
]
