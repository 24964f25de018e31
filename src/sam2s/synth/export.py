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
from sam2s.files import names_in, write_atomically
from sam2s.masks.palette import write_label_map
from sam2s.video.event_kind import EventKind
from sam2s.video.writer import VideoWriter

from .scene import Scene
from .video_events import EventScene

PromptForm = Literal["box", "points", "mask"]

PROMPT_AREA = 0.002
"""Share of the frame that an object must cover to be pointed at."""


def write_clip(
    scene: Scene,
    out: Path,
    *,
    fps: int = 25,
    prompt: PromptForm = "box",
    frames: bool = False,
    on_frame: Callable[[int], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Writes a scene into the folder `out`.

    `video.mp4` (H.264), `masks/00000.png` ... (indexed, the label maps of `Scene.render`), `prompts.json` (each
    object on the first frame that shows `PROMPT_AREA` of it), `scene.json` (what makes the scene again, and the names
    of all objects), of an `EventScene` `events.json` (what happens to the video, from and up to which frame), and with
    `frames` also `frames/00000.png` ..., the pictures before the video codec touched them.

    Returns:
        The objects of `prompts.json`.

    Raises:
        OutputError: If `out` is a file, is not empty, or cannot be written.
    """
    if names_in(out):
        raise OutputError(f"folder {out} is not empty; name a new folder for the clip")
    prompts: list[dict[str, Any]] = []
    waiting = list(scene.objects)
    with VideoWriter(out / "video.mp4", (scene.size, scene.size), fps) as video:
        for t in range(scene.length):
            image, labels = scene.render(t)
            video.write(image)
            write_label_map(out / "masks" / f"{t:05d}.png", labels)
            if frames:
                _write_picture(out / "frames" / f"{t:05d}.png", image)
            areas = np.bincount(labels.ravel(), minlength=256)
            for item in [o for o in waiting if areas[o.id] >= PROMPT_AREA * labels.size]:
                waiting.remove(item)
                prompts.append({"id": item.id, "label": item.name, "frame": t} | _prompt(labels == item.id, prompt))
                if prompt == "mask":
                    prompts[-1]["mask"] = f"prompts/{item.id}.png"
                    _write_picture(out / prompts[-1]["mask"], (labels == item.id).astype(np.uint8) * 255)
            on_frame(t)
    _write_json(out / "prompts.json", {"frame": 0, "objects": prompts})
    objects = [{"id": o.id, "label": o.name, "type": o.type} for o in scene.objects]
    options = {"seed": scene.seed, "kind": str(scene.kind), "size": scene.size, "length": scene.length}
    options |= {"tempo": scene.tempo, "drift": scene.drift}
    _write_json(out / "scene.json", {**options, "fps": fps, "objects": objects})
    if isinstance(scene, EventScene):
        spans = sorted((start, stop, kind) for kind in EventKind for start, stop in scene.true_spans(kind))
        _write_json(out / "events.json", [{"kind": kind, "start": start, "stop": stop} for start, stop, kind in spans])
    return prompts


def _prompt(mask: np.ndarray, form: PromptForm) -> dict[str, Any]:
    """A tight box, or a click as deep inside as can be; nothing for a mask, which is a file."""
    if form == "box":
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        return {"box": [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]}
    if form == "points":
        inside = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        y, x = np.unravel_index(inside.argmax(), mask.shape)
        return {"points": [[int(x), int(y)]], "labels": [1]}
    return {}


def _write_picture(path: Path, image: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    write_atomically(path, stream.getvalue())


def _write_json(path: Path, data: dict[str, Any] | list[dict[str, Any]]) -> None:
    write_atomically(path, (json.dumps(data, indent=2) + "\n").encode())
