"""Flags that say how a video is to be read, also when its workspace is exported later."""

import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from sam2s.video import open_source

PICTURE = np.full((64, 96, 3), (150, 60, 40), np.uint8)
PICTURE[20:40, 30:60] = (60, 160, 230)


def sam2s(*arguments):
    command = [sys.executable, "-m", "sam2s", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def mixed(tmp_path):
    """A folder that holds masks beside frames."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(PICTURE).save(folder / f"frame_{number}_endo.png")
        Image.fromarray(PICTURE[..., 0]).save(folder / f"frame_{number}_endo_mask.png")
    return folder


def test_a_pattern_chooses_the_frames_and_later_exports_know_it(mixed, tmp_path):
    out = tmp_path / "o"
    track = ["track", mixed, "--box", "1@0:30,20,60,40", "--image-size", "64", "--export", "csv", "--out", out]
    refused = sam2s(*track)
    assert refused.returncode == 2
    assert "--pattern '*_endo.png'" in refused.stderr
    done = sam2s(*track, "--pattern", "*_endo.png")
    assert done.returncode == 0, done.stderr
    assert "tracked 3 frames" in done.stdout
    later = sam2s("export", "masks", out, "--to", "overlay")
    assert later.returncode == 0, later.stderr
    with open_source(out / "overlay.mp4") as overlay:
        assert overlay.count() == 3


def test_square_pixels_give_frames_of_the_size_that_players_show(tmp_path):
    with av.open(str(tmp_path / "pal.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(PICTURE, "rgb24")))
        container.mux(stream.encode())
    for flags, size, aspect in ((["--square-pixels"], (64, 128), 1), ([], (64, 96), Fraction(4, 3))):
        out = tmp_path / f"o{len(flags)}"
        done = sam2s(
            "track", tmp_path / "pal.mp4", "--box", "1@0:30,20,60,40", "--image-size", "64", "--out", out, *flags
        )
        assert done.returncode == 0, done.stderr
        assert ("its pixels are not square (4:3)" in done.stderr) is not bool(flags)
        with open_source(out / "overlay.mp4") as overlay:
            assert (overlay.size, overlay.pixel_aspect) == (size, aspect)
