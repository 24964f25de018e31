"""A clip of a drawn surgical scene, so that everything can be tried in seconds without any video."""

from __future__ import annotations

from pathlib import Path

from sam2s.device import use_threads
from sam2s.files import replacing
from sam2s.synth import Scene, SceneKind
from sam2s.video import VideoWriter

SIZE = 384
TITLE = "drawn by sam2s app"


def draw_clip(folder: Path, seed: int, frames: int) -> Path:
    """Draw a laparoscopic scene of `frames` frames into a folder; the same seed gives the same clip, drawn once."""
    path = folder / f"drawn-{seed}.mp4"
    if path.exists():
        return path
    use_threads(macs=0)  # scenes are made of small operations
    scene = Scene(seed, SIZE, frames, kind=SceneKind.LAPAROSCOPY, tempo=0.5)
    with replacing(path) as partial, VideoWriter(partial, (SIZE, SIZE), 25, title=TITLE) as writer:
        for time in range(len(scene)):
            writer.write(scene.render(time)[0])
    return path
