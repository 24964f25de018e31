"""Where frames come from and where overlay videos go."""

from sam2s.video.array import ArraySource
from sam2s.video.file import FileSource
from sam2s.video.folder import FolderSource
from sam2s.video.frame import Frame, VideoSource
from sam2s.video.live import LiveSource
from sam2s.video.open import open_source
from sam2s.video.pages import PagesSource
from sam2s.video.prefetch import prefetch
from sam2s.video.writer import VideoWriter

__all__ = [
    "ArraySource",
    "FileSource",
    "FolderSource",
    "Frame",
    "LiveSource",
    "PagesSource",
    "VideoSource",
    "VideoWriter",
    "open_source",
    "prefetch",
]
