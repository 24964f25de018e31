"""What is written can be read back: exact times, whole files, and a playable rest after a kill."""

import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from sam2s.errors import ConfigError, OutputError
from sam2s.video import FileSource, VideoWriter
from video_tools import number_of, numbered


def write(path, count=30, times=None, **options):
    options = {"size": (64, 96), "fps": Fraction(25)} | options
    with VideoWriter(path, **options) as writer:
        for i in range(count):
            writer.write(numbered(i, options["size"]), times[i] if times else None)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_constant_rate(tmp_path, ending, fps):
    path = tmp_path / f"out.{ending}"
    write(path, fps=fps, codec="vp9" if ending == "webm" else "h264")
    frames = list(FileSource(path).frames())
    assert [number_of(f.image) for f in frames] == list(range(30))
    tolerance = Fraction(1, 2000) if ending in ("mkv", "webm") else 0
    assert all(abs(f.pts - f.index / fps) <= tolerance for f in frames)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_variable_rate_is_copied_exactly_in_the_time_base_of_the_source(clip, tmp_path):
    source = FileSource(clip("irregular.mp4"))
    path = tmp_path / "copy.mp4"
    with VideoWriter(path, source.size, source.fps, time_base=source.time_base) as writer:
        for frame in source.frames():
            writer.write(frame.image, frame.pts)
    assert [f.pts for f in FileSource(path).frames()] == [f.pts for f in source.frames()]


@pytest.mark.parametrize("fps", [Fraction(252250000, 8463423), Fraction(1000003, 33367)])
def test_mean_rates_of_variable_rate_videos_can_be_written(tmp_path, fps):
    write(tmp_path / "out.mp4", 5, fps=fps)
    assert all(abs(f.pts - f.index / fps) <= Fraction(1, 180000) for f in FileSource(tmp_path / "out.mp4").frames())


def test_the_video_begins_at_the_first_frame(tmp_path):
    path = tmp_path / "out.mp4"
    write(path, 3, [Fraction(100), Fraction(101), Fraction(1015, 10)])
    assert [f.pts for f in FileSource(path).frames()] == [0, 1, Fraction(3, 2)]


@pytest.mark.parametrize("size", [(63, 97), (64, 97), (63, 96)])
def test_odd_sizes_are_padded_with_the_last_row_and_column(tmp_path, size):
    path = tmp_path / "odd.mp4"
    write(path, 2, size=size)
    image = FileSource(path).frame(1).image
    height, width = size
    assert image.shape == (64, size[1] + size[1] % 2, 3)
    assert np.abs(image[:height, :width].astype(int) - numbered(1, size)).mean() < 5
    assert np.abs(image[-1].astype(int) - image[height - 1]).mean() < 6


def test_colours_survive(tmp_path):
    path = tmp_path / "colour.mp4"
    colour = np.full((64, 64, 3), (200, 40, 70), np.uint8)
    with VideoWriter(path, (64, 64), 25, crf=4) as writer:
        writer.write(colour)
    assert np.abs(FileSource(path).frame(0).image.astype(int) - colour).max() <= 3


def test_a_finished_file_has_a_table_of_frames(tmp_path):
    write(tmp_path / "out.mp4")
    assert FileSource(tmp_path / "out.mp4").length == 30


def test_an_exception_leaves_a_whole_file(tmp_path):
    def run():
        with VideoWriter(tmp_path / "out.mp4", (64, 96), 25) as writer:
            for i in range(10):
                writer.write(numbered(i))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert [number_of(f.image) for f in FileSource(tmp_path / "out.mp4").frames()] == list(range(10))


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_killed_process_leaves_a_part_that_plays(tmp_path, ending):
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2])\n"
        "from sam2s.video import VideoWriter; from video_tools import numbered\n"
        "writer = VideoWriter(sys.argv[1], (64, 96), 5)\n"
        "for i in range(120): writer.write(numbered(i))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = tmp_path / f"out.{ending}"
    done = subprocess.run([sys.executable, "-c", code, str(path), str(Path(__file__).parents[1])], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    with av.open(str(tmp_path / f"out.{ending}.part")) as part:
        seen = [number_of(f.to_ndarray(format="rgb24")) for f in part.decode(video=0)]
    assert seen == list(range(len(seen)))
    assert len(seen) >= 60


def test_a_writer_without_frames_leaves_no_file(tmp_path):
    with VideoWriter(tmp_path / "none.mp4", (64, 96), 25):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown ending '\.gif'; allowed are \.mp4"):
        VideoWriter(tmp_path / "a.gif", (64, 96), 25)
    with pytest.raises(ConfigError, match=r"codec 'no-such' cannot write it .*; try one of h264"):
        VideoWriter(tmp_path / "a.mp4", (64, 96), 25, codec="no-such")
    with pytest.raises(ConfigError, match="0x64 at 25 frames a second"):
        VideoWriter(tmp_path / "a.mp4", (64, 0), 25)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        VideoWriter(tmp_path / "file" / "a.mp4", (64, 96), 25)
    with VideoWriter(tmp_path / "a.mp4", (64, 96), 25) as writer:
        writer.write(numbered(0), Fraction(1))
        with pytest.raises(OutputError, match=r"frame 1 is uint8 \(60, 96, 3\); the video takes uint8 \(64, 96, 3\)"):
            writer.write(numbered(0, (60, 96)))
        with pytest.raises(OutputError, match=r"frame 1 at 1\.000000 s does not follow the one before"):
            writer.write(numbered(1), Fraction(1))
    with pytest.raises(OutputError, match="already closed"):
        writer.write(numbered(1))
    assert not list(tmp_path.glob("*.part"))
