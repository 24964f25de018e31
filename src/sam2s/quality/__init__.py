"""What to believe of a video and of masks: scene cuts so far."""

from .cuts import CutDetector, find_cuts

__all__ = ["CutDetector", "find_cuts"]
