"""A clip of a drawn surgical scene, so that everything can be tried in seconds without any video."""

from __future__ import annotations

from pathlib import Path

from sam2s.device import use_threads
from sam2s.files import replacing
from sam2s.synth import Scene, SceneKind
from sam2s.video import VideoWriter

SIZE = 384
TITLE = "drawn by sam2s app"
_SMALLEST = 0.02
"""Share of the frame that an instrument must cover to be worth pointing at."""


def drawn_scene(seed: int, frames: int) -> Scene:
    """The first scene from a seed on whose first frame shows two instruments large enough to point at."""
    use_threads(macs=0)  # scenes are made of small operations
    while True:
        scene = Scene(seed, SIZE, frames, kind=SceneKind.LAPAROSCOPY, tempo=0.5)
        _, labels = scene.render(0)
        shares = [(labels == item.id).mean() for item in scene.objects if item.type == "instrument"]
        if sum(share > _SMALLEST for share in shares) >= 2:
            return scene
        seed += 1


def draw_clip(folder: Path, seed: int, frames: int) -> Path:
    """Draw a laparoscopic scene of `frames` frames into a folder; the same seed gives the same clip, drawn once."""
    path = folder / f"drawn-{seed}.mp4"
    if path.exists():
        return path
    scene = drawn_scene(seed, frames)
    with replacing(path) as partial, VideoWriter(partial, (SIZE, SIZE), 25, title=TITLE) as writer:
        for time in range(len(scene)):
            writer.write(scene.render(time)[0])
    return path
