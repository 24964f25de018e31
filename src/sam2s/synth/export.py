"""Scenes on disk: a video, its masks, and prompts to start from."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt

from sam2s.errors import OutputError
from sam2s.files import write_atomically
from sam2s.masks.palette import write_label_map
from sam2s.video.writer import VideoWriter

from .scene import Scene

PromptForm = Literal["box", "points", "mask"]


def write_clip(
    scene: Scene,
    out: Path,
    *,
    fps: int = 25,
    prompt: PromptForm = "box",
    frames: bool = False,
    on_frame: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Writes a scene into the folder `out`.

    `video.mp4` (H.264), `masks/00000.png` ... (indexed, the label maps of `Scene.render`), `prompts.json` for the
    objects that frame 0 shows, `scene.json` (what makes the scene again, and the names of all objects), and with
    `frames` also `frames/00000.png` ..., the pictures before the video codec touched them.

    Returns:
        What `prompts.json` holds.

    Raises:
        OutputError: If `out` is not empty, or cannot be written.
    """
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"folder {out} is not empty; name a new folder for the clip")
    prompts: dict[str, Any] = {}
    with VideoWriter(out / "video.mp4", (scene.size, scene.size), fps) as video:
        for t in range(scene.length):
            image, labels = scene.render(t)
            video.write(image)
            write_label_map(out / "masks" / f"{t:05d}.png", labels)
            if frames:
                _write_picture(out / "frames" / f"{t:05d}.png", image)
            if t == 0:
                prompts = {"frame": 0, "objects": _prompts(scene, labels, prompt, out)}
                _write_json(out / "prompts.json", prompts)
            on_frame(t)
    objects = [{"id": o.id, "label": o.name, "type": o.type} for o in scene.objects]
    options = {"seed": scene.seed, "kind": str(scene.kind), "size": scene.size, "length": scene.length}
    options |= {"tempo": scene.tempo, "drift": scene.drift}
    _write_json(out / "scene.json", {**options, "fps": fps, "objects": objects})
    return prompts


def _prompts(scene: Scene, labels: np.ndarray, form: PromptForm, out: Path) -> list[dict[str, Any]]:
    """One prompt for each object that `labels` show."""
    entries = []
    for item in scene.objects:
        mask = labels == item.id
        if not mask.any():
            continue
        entry: dict[str, Any] = {"id": item.id, "label": item.name}
        if form == "box":
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            entry["box"] = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
        elif form == "points":
            inside = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
            y, x = np.unravel_index(inside.argmax(), mask.shape)
            entry |= {"points": [[int(x), int(y)]], "labels": [1]}
        else:
            entry["mask"] = f"prompts/{item.id}.png"
            _write_picture(out / entry["mask"], mask.astype(np.uint8) * 255)
        entries.append(entry)
    return entries


def _write_picture(path: Path, image: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    write_atomically(path, stream.getvalue())


def _write_json(path: Path, data: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(data, indent=2) + "\n").encode())
