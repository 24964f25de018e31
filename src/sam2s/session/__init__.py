"""VideoSession: tracking from any frame of a video, in both directions, with corrections and snapshots."""

from .session import VideoSession

__all__ = ["VideoSession"]
