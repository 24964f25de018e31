"""VideoSession: a video looked at anywhere, in both directions, with corrections and snapshots."""

from .session import VideoSession

__all__ = ["VideoSession"]
