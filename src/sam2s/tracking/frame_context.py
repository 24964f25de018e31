"""What belongs to one frame while it is tracked, in one record."""

from __future__ import annotations

from dataclasses import dataclass

from sam2s.model import ImageFeatures
from sam2s.video.frame import Frame


@dataclass(frozen=True, slots=True, eq=False)
class FrameContext:
    """A frame as the tracker sees it.

    Attributes:
        frame: the picture, its index and its time stamp.
        time: its position among the frames that are processed.
        features: what the image encoder made of it.
        reverse: the video is tracked backward, so that "behind" means later frames.
    """

    frame: Frame
    time: int
    features: ImageFeatures
    reverse: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the source frame."""
        height, width = self.frame.image.shape[:2]
        return height, width
