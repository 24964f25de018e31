"""How each kind of scene is set up."""

from collections.abc import Callable

import numpy as np

from .returns import reentry
from .stages import SceneKind, Stage, colonoscopy, generic, laparoscopy, microscope, robotic

BUILDERS: dict[SceneKind, tuple[Callable[[np.random.Generator, float], Stage], float]] = {
    SceneKind.LAPAROSCOPY: (laparoscopy, 0.2),
    SceneKind.COLONOSCOPY: (colonoscopy, 0.2),
    SceneKind.ROBOTIC: (robotic, 0.13),
    SceneKind.MICROSCOPE: (microscope, 0.07),
    SceneKind.GENERIC: (generic, 0.4),
    SceneKind.REENTRY: (reentry, 0.0),
}
"""How each kind is set up, and its share among scenes of no given kind."""
