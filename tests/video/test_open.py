"""One door: the right source for every target, and a clear error for what is not a source."""

import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from sam2s.errors import SourceError
from sam2s.video import ArraySource, FileSource, FolderSource, PagesSource, VideoWriter, open_source
from video_tools import number_of, numbered


def test_every_target_finds_its_source(clip, tmp_path):
    frames = np.stack([numbered(i) for i in range(3)])
    Image.fromarray(frames[1]).save(tmp_path / "1.png")
    np.save(tmp_path / "frames.npy", frames)
    for target, kind, first in [
        (clip("plain.mp4"), FileSource, 0),
        (str(clip("plain.mkv")), FileSource, 0),
        (f"file://{clip('plain.mkv')}", FileSource, 0),
        (tmp_path, FolderSource, 1),
        (tmp_path / "1.png", PagesSource, 1),
        (tmp_path / "frames.npy", ArraySource, 0),
        (frames[2:], ArraySource, 2),
        (list(frames), ArraySource, 0),
    ]:
        source = open_source(target)
        assert isinstance(source, kind)
        assert number_of(source.frame(0).image) == first
        source.close()
    assert open_source(frames, fps=Fraction(10)).frame(2).pts == Fraction(1, 5)


def test_names_with_colons_are_no_addresses(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "10:30:00.mp4").write_bytes(clip("plain.mp4").read_bytes())
    assert number_of(open_source("10:30:00.mp4").frame(3).image) == 3
    with VideoWriter("10:30/overlay.mp4", (64, 96), 25) as writer:
        writer.write(numbered(7))
    assert number_of(open_source("10:30/overlay.mp4").frame(0).image) == 7


def test_an_address_of_a_file_is_decoded(clip, tmp_path):
    path = tmp_path / "day 1 100%.mp4"
    path.write_bytes(clip("plain.mp4").read_bytes())
    assert open_source(path.as_uri()).name == "day 1 100%"


@pytest.mark.parametrize("target", ["x" * 300, "~nobody/x.mp4"])
def test_a_name_that_cannot_be_one_is_not_there(target):
    with pytest.raises(SourceError, match="no such file or folder; allowed are"):
        open_source(target)


def test_what_is_no_source(clip, tmp_path):
    with av.open(str(tmp_path / "sound.m4a"), "w") as out:
        stream = out.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    (tmp_path / "notes.txt").write_text("words, words\n" * 100)
    (tmp_path / "renamed.mp4").write_text("words, words\n" * 100)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "broken.npy").write_bytes(b"no array")
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").touch()
    for name, message in [
        ("missing.mp4", r"missing\.mp4: no such file or folder; allowed are"),
        ("sound.m4a", r"sound\.m4a: holds no video, only audio"),
        ("notes.txt", r"notes\.txt: not a video that FFmpeg can read"),
        ("renamed.mp4", r"renamed\.mp4: not a video that FFmpeg can read"),
        ("empty.mp4", r"empty\.mp4: the file is empty"),
        ("broken.npy", r"broken\.npy: not an array that can be read"),
        ("broken.png", r"broken\.png: not a picture of a kind that can be read"),
        ("empty", "the folder is empty; allowed are bmp, jpeg, jpg, png, tif, tiff, webp"),
        ("texts", "holds 1 entries but no images; allowed are"),
    ]:
        with pytest.raises(SourceError, match=message):
            open_source(tmp_path / name)


def test_an_unreadable_file(clip, tmp_path):
    path = tmp_path / "locked.mp4"
    path.write_bytes(clip("plain.mp4").read_bytes())
    path.chmod(0)
    code = (
        "import os, sys; from sam2s.video import FileSource\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: FileSource(sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert "SourceError" in result.stdout, result.stderr
    assert "permission denied; make the file readable" in result.stdout


@pytest.mark.parametrize("target", ["camera:99", "/dev/video99", "rtsp://127.0.0.1:9/x", "http://127.0.0.1:9/x.ts"])
def test_a_camera_or_stream_that_is_not_there(target):
    with pytest.raises(SourceError, match=f"{target}: cannot be opened .*; check the address and that it is sending"):
        open_source(target, timeout=2)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (0, r"^0: not a path, an address or an array \(a camera is 'camera:0'\)"),
        (None, "^None: not a path, an address or an array$"),
        (2.5, "not a path"),
        (np.array(3, np.uint8), "array: is a single value; give an array"),
        (np.zeros((0, 4, 4, 3), np.uint8), "holds no frames"),
        ([np.zeros((4, 4), np.float32)], "type float32, but pixels must be uint8"),
        (["a.png"], r"array\[0\]: shape None is not a picture"),
        ("a\0b", "no such file or folder"),
        (b"missing.mp4", r"missing\.mp4: no such file or folder"),
    ],
)
def test_targets_of_other_kinds(target, message):
    with pytest.raises(SourceError, match=message):
        open_source(target)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00\x05\x00{'a'}", b"\x93NUMPY\x09\x00", b"PK\x03\x04"])
def test_damaged_arrays(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.npy: not an array that can be read"):
        open_source(tmp_path / "a.npy")


def test_an_array_that_is_shorter_than_its_header_says(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 4, 3), np.uint8))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data[:-20])
    with pytest.raises(SourceError, match="not an array that can be read"):
        open_source(tmp_path / "a.npy")
