"""SAM2S: click once in a surgical video, get the mask in every frame."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .loading import load
    from .memory import MemoryPolicy
    from .segmentation_pipeline import pipeline
    from .session import VideoSession
    from .tracking import Box, FrameResult, Mask, ObjectResult, ObjectState, Points, Tracker
    from .video import open_source

__version__ = "0.1.0"

__all__ = [
    "Box",
    "FrameResult",
    "Mask",
    "MemoryPolicy",
    "ObjectResult",
    "ObjectState",
    "Points",
    "Tracker",
    "VideoSession",
    "load",
    "open_source",
    "pipeline",
]

_TRACKING = ("Box", "FrameResult", "Mask", "ObjectResult", "ObjectState", "Points", "Tracker")
_HOMES = dict.fromkeys(_TRACKING, "sam2s.tracking") | {
    "MemoryPolicy": "sam2s.memory",
    "VideoSession": "sam2s.session",
    "load": "sam2s.loading",
    "open_source": "sam2s.video",
    "pipeline": "sam2s.segmentation_pipeline",
}


def __getattr__(name: str) -> object:
    """Import on first use, so that `import sam2s` and the command line start without torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sam2s' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
