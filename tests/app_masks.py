"""Masks for tests of the app."""

import numpy as np


def disc(centre=(48, 32), radius=12, size=(64, 96)):
    """A disc, centre as (x, y)."""
    y, x = np.mgrid[: size[0], : size[1]]
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2
