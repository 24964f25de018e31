"""Pictures to make scenes of."""

import numpy as np


def disc_rgba(side, radius, colour=(200, 30, 30)):
    """A disc of one colour in the middle of transparent green."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    rgba = np.zeros((side, side, 4), np.uint8)
    rgba[..., :3] = (0, 255, 0)
    rgba[np.hypot(x, y) < radius] = (*colour, 255)
    return rgba
