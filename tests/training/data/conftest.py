"""Small datasets of every form, drawn into a temporary folder: a disc that moves right, and a second object."""

import json

import numpy as np
import pytest
from PIL import Image

from sam2s.masks import rle
from sam2s.masks.palette import write_label_map
from sam2s.sasv.fixtures.drawing import SIZE, disc, picture, save
from sam2s.video import VideoWriter


@pytest.fixture
def davis(tmp_path, discs):
    """A DAVIS folder: 12 frames with two discs, 9 frames of which each third has a mask, and a single picture."""
    root = tmp_path / "davis"
    for name, count, every in (("long", 12, 1), ("sparse", 9, 3), ("single", 1, 1)):
        for t in range(count):
            save(root / f"JPEGImages/480p/{name}/{t:05d}.jpg", picture(t + 100 * len(name)))
            if t % every == 0:
                labels = np.where(discs(count)[t], 1, np.where(discs(count, 38, 5)[t], 2, 0)).astype(np.uint8)
                write_label_map(root / f"Annotations/480p/{name}/{t:05d}.png", labels)
    return root


@pytest.fixture
def sav(tmp_path):
    """A SA-V folder: a video of 17 frames of which each fourth is annotated; one manual and one automatic masklet."""
    folder = tmp_path / "sav" / "sav_000"
    folder.mkdir(parents=True)
    with VideoWriter(folder / "sav_000001.mp4", SIZE, 24) as video:
        for t in range(17):
            video.write(np.full((*SIZE, 3), 12 * t, np.uint8))
    manual = [[rle.encode(disc(12 + t, 20, 8) & (t != 2))] for t in range(5)]
    auto = [[rle.encode(disc(40, 30, 6)) if t else None] for t in range(5)]
    for kind, rows in (("manual", manual), ("auto", auto)):
        data = {"video_id": "sav_000001", "video_frame_count": 17.0, "masklet": rows}
        (folder / f"sav_000001_{kind}.json").write_text(json.dumps(data))
    return tmp_path / "sav"


@pytest.fixture
def reads(monkeypatch):
    """Names of the picture files that are opened from now on, folder and file."""
    seen, opened = [], Image.open

    def note(path, *args, **kwargs):
        seen.append("/".join(path.parts[-2:]))
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Image, "open", note)
    return seen
