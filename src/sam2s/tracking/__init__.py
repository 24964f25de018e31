"""Tracker (streaming) and VideoSession (any frame, both directions, corrections)."""

from .presence import PresenceRule
from .prompts import Box, Mask, Points, Prompt
from .results import FrameResult, ObjectResult, ObjectState
from .session import VideoSession
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
    "VideoSession",
]
