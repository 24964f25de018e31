"""Procedural surgical scenes with exact masks, and scenes of pasted cut-outs."""

from .cutouts import CutoutFolder
from .scene import CutoutScene, Scene
from .stages import SceneKind, SceneObject

__all__ = ["CutoutFolder", "CutoutScene", "Scene", "SceneKind", "SceneObject"]
