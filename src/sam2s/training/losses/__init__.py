"""What the network is taught with, one idea a file; `clip_loss` puts it together."""

from .terms import power_loss
from .total import LossWeights, clip_loss, frame_loss

__all__ = ["LossWeights", "clip_loss", "frame_loss", "power_loss"]
