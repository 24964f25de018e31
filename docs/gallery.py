"""Make the pictures of docs/gallery.md out of drawn scenes and the bundled weights: `python docs/gallery.py [FOLDER]`.

Takes a minute of a processor. Every picture is decided by the seeds below, so that a run gives the same pictures again.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import sam2s
from sam2s.masks.layer import OverlayLayer
from sam2s.masks.overlay import contact_sheet, draw
from sam2s.synth import Scene, SceneKind

IMAGES = Path(__file__).parent / "images"
SIDE = 256


def save(picture: np.ndarray, folder: Path, name: str) -> None:
    """Write a picture uint8 [H, W, 3] as JPEG, 1200 pixels wide."""
    image = Image.fromarray(picture)
    image.resize((1200, round(1200 * image.height / image.width)), Image.Resampling.LANCZOS).save(
        folder / f"gallery-{name}.jpg", quality=85
    )


def labelled(scene: Scene, time: int) -> np.ndarray:
    """A frame with its true masks drawn on it."""
    frame, labels = scene.render(time)
    return draw(frame, [OverlayLayer(o.id, labels == o.id, o.name) for o in scene.objects if (labels == o.id).any()])


def draw_kinds(folder: Path) -> None:
    """One scene of each kind that `sam2s synth` draws, plain and with its true masks."""
    scenes = [Scene(seed=21, size=SIDE, length=100, kind=kind) for kind in SceneKind]
    plain = [scene.render(40)[0] for scene in scenes]
    names = [str(scene.kind) for scene in scenes]
    save(
        contact_sheet(
            plain + [labelled(s, 40) for s in scenes], names + ["true masks"] * len(names), columns=len(names)
        ),
        folder,
        "kinds",
    )


def track_boxes(folder: Path) -> None:
    """Two instruments boxed on the first frame and followed by `micro`, with the true masks above."""
    scene = Scene(seed=16, size=SIDE, length=40, kind=SceneKind.LAPAROSCOPY)
    frames, truth = map(np.stack, zip(*(scene.render(t) for t in range(len(scene))), strict=True))
    objects = [o for o in scene.objects if o.type == "instrument" and (truth[0] == o.id).mean() > 0.02][:2]
    tracked = {}
    with sam2s.VideoSession(sam2s.load("micro", device="cpu"), sam2s.open_source(frames)) as session:
        for thing in objects:
            y, x = np.nonzero(truth[0] == thing.id)
            box = sam2s.Box(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1))
            session.add_prompt(frame=0, object_id=thing.id, prompt=box)
        for result in session.propagate():
            tracked[result.index] = {i: found.mask for i, found in result.objects.items()}
    times = (0, 10, 20, 30, 39)
    above = [draw(frames[t], [OverlayLayer(o.id, truth[t] == o.id) for o in objects], labels=False) for t in times]
    below = [draw(frames[t], [OverlayLayer(o.id, tracked[t][o.id]) for o in objects], labels=False) for t in times]
    names = [f"frame {t}: true masks" for t in times] + [f"frame {t}: micro" for t in times]
    save(contact_sheet(above + below, names, columns=len(times)), folder, "tracked")


def draw_returns(folder: Path) -> None:
    """An object that leaves and comes back, as the scenes of kind `reentry` draw it for the long-term memory."""
    scene = Scene(seed=3, size=SIDE, length=240, kind=SceneKind.REENTRY)
    shown = [(t, scene.render(t)) for t in range(0, 240, 20)]
    names = [f"frame {t}: {len(np.unique(labels)) - 1} of {len(scene.objects)} in view" for t, (_, labels) in shown]
    save(contact_sheet([labelled(scene, t) for t, _ in shown], names, columns=6), folder, "returns")


def make(folder: Path) -> None:
    """Write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    draw_kinds(folder)
    track_boxes(folder)
    draw_returns(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
