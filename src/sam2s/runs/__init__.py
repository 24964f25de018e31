"""Tracking runs: a video in, a workspace with its masks out; interrupted, taken up again, and checked."""

from .exports import open_workspace_video
from .run import RunOutcome, run
from .settings import RunSettings

__all__ = ["RunOutcome", "RunSettings", "open_workspace_video", "run"]
