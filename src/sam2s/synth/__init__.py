"""Procedural surgical scenes with exact masks."""

from .scene import Scene
from .stages import SceneKind, SceneObject

__all__ = ["Scene", "SceneKind", "SceneObject"]
