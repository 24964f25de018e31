"""Redacted copies of real encoded videos and pictures: what was hidden is gone, times stay, metadata and sound go."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from sam2s.errors import ConfigError, OutputError, SourceError
from sam2s.quality.redact import RedactionSettings, log_path, redact
from sam2s.quality.redaction import HiddenArea, HiddenSpan
from sam2s.synth.video_events import DrawnEvent, EventScene
from sam2s.video import VideoWriter, open_source
from sam2s.video.event_kind import EventKind

SIZE = 96
SECRET = HiddenArea(10, 20, 50, 40)
UNHIDDEN = RedactionSettings(out_of_body=False)


def secret(t):
    """A picture with stripes that move with time in an area, as letters and a clock would."""
    image = np.full((SIZE, SIZE, 3), 90, np.uint8)
    image[:, :, 0] += (np.arange(SIZE) // 2 + t)[None].astype(np.uint8)
    window = image[SECRET.y0 : SECRET.y1, SECRET.x0 : SECRET.x1]
    window[:] = 255 * ((np.arange(SECRET.x1 - SECRET.x0) // 4 + t) % 2)[None, :, None]
    return image


def write_source(path, count=30, times=None, audio=True):
    """A video with a title, a comment, sound and chapters' worth of names."""
    with av.open(str(path), "w") as out:
        for key, value in {"title": "Jane Doe", "comment": "born 1970", "artist": "Dr. Who"}.items():
            out.metadata[key] = value
        video = out.add_stream("libx264", rate=25, options={"crf": "10"})
        video.width = video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        video.codec_context.max_b_frames = 0
        video.metadata["title"] = "theatre 4"
        sound = out.add_stream("aac", rate=8000) if audio else None
        for t in range(count):
            frame = av.VideoFrame.from_ndarray(secret(t), "rgb24")
            frame.pts, frame.time_base = (times[t] if times else 40 * t), Fraction(1, 1000)
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if sound is not None:
            wave = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
            wave.sample_rate, wave.pts = 8000, 0
            out.mux(sound.encode(wave))
            out.mux(sound.encode())
    return path


def read(path):
    source = open_source(str(path))
    frames = list(source.frames())
    source.close()
    return frames


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_metadata_and_sound_do_not_survive(tmp_path, name):
    video = write_source(tmp_path / "Jane_Doe.mkv")
    with av.open(str(video)) as container:
        assert container.streams.audio
        assert container.metadata["title"] == "Jane Doe"
    log = redact(str(video), tmp_path / name, UNHIDDEN)
    with av.open(str(tmp_path / name)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        words = " ".join([*container.metadata.values(), *container.streams[0].metadata.values()])
    data = (tmp_path / name).read_bytes() + log_path(tmp_path / name).read_bytes()
    for text in ("Jane", "1970", "Who", "theatre 4"):
        assert text not in words
        assert text.encode() not in data
    assert log["frames"] == 30
    assert "sound" in log["removed"]


@pytest.mark.parametrize("cover", ["black", "blur"])
def test_hidden_pixels_do_not_survive_encoding(tmp_path, cover):
    video = write_source(tmp_path / "in.mp4")
    redact(str(video), tmp_path / "out.mp4", RedactionSettings([SECRET], out_of_body=False, cover=cover, crf=30))
    for frame in read(tmp_path / "out.mp4"):
        image, given = frame.image.astype(float), secret(frame.index).astype(float)
        window = image[SECRET.y0 : SECRET.y1, SECRET.x0 : SECRET.x1, 1]
        stripes = given[SECRET.y0 : SECRET.y1, SECRET.x0 : SECRET.x1, 1]
        assert window.std() < 16 if cover == "blur" else window.max() < 16
        steps = np.diff(window, axis=1)  # the stripes have an edge of 255 in every fourth column
        assert np.abs((steps * np.sign(np.diff(stripes, axis=1))).sum() / np.abs(np.diff(stripes)).sum()) < 0.02
        rest = np.ones((SIZE, SIZE), bool)
        rest[SECRET.y0 - 16 : SECRET.y1 + 16, SECRET.x0 - 10 : SECRET.x1 + 16] = False
        assert np.abs(image - given)[rest].mean() < 6


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4", "out.mov"])
def test_times_of_a_video_of_uneven_rate_stay_exact(tmp_path, name):
    times = [40 * t + 13 * (t % 3) + 400 * (t > 10) + 1200 for t in range(30)]
    video = write_source(tmp_path / "in.mkv", times=times, audio=False)
    log = redact(str(video), tmp_path / name, UNHIDDEN)
    assert [frame.pts for frame in read(tmp_path / name)] == [Fraction(time, 1000) for time in times]
    assert (log["times_moved_by"], log["largest_error_of_times"]) == (0, 0)


def test_times_that_matroska_cannot_say_are_rounded_and_the_log_says_by_how_much(tmp_path):
    with VideoWriter(tmp_path / "in.mp4", (SIZE, SIZE), Fraction(30000, 1001)) as writer:
        for t in range(10):
            writer.write(secret(t))
    log = redact(str(tmp_path / "in.mp4"), tmp_path / "out.mkv", UNHIDDEN)
    assert 0 < log["largest_error_of_times"] <= 0.0005
    log = redact(str(tmp_path / "in.mp4"), tmp_path / "out.mp4", UNHIDDEN)
    assert log["largest_error_of_times"] == 0
    assert [frame.pts for frame in read(tmp_path / "out.mp4")] == [Fraction(1001 * t, 30000) for t in range(10)]


@pytest.fixture(scope="module")
def operation(tmp_path_factory):
    """A drawn operation of 140 frames that is out of the body from 60 to 89."""
    events = [DrawnEvent(EventKind.OUT_OF_BODY, 60, 90, 2)]
    scene = EventScene(4, 128, 140, kind="laparoscopy", drift=0, events=events)
    path = tmp_path_factory.mktemp("operation") / "in.mp4"
    with VideoWriter(path, (128, 128), 25) as writer:
        for t in range(140):
            writer.write(scene.render(t)[0])
    return path


def test_frames_out_of_the_body_are_found_and_hidden_with_their_margin(tmp_path, operation):
    told = set()
    out = tmp_path / "out.mp4"
    log = redact(
        str(operation), out, RedactionSettings(margin=0.4), report_progress=lambda what, done, total: told.add(what)
    )
    assert told == {"looking for frames out of the body", "writing"}
    (span,) = log["hidden_spans"]
    assert span["reason"] == "out_of_body"
    assert 40 <= span["start"] <= 50
    assert 100 <= span["stop"] <= 112
    black = [frame.index for frame in read(out) if frame.image.max() < 8]
    assert black == list(range(span["start"], span["stop"]))
    assert json.loads(log_path(out).read_text()) == log


def test_given_frames_are_hidden(tmp_path, operation):
    settings = RedactionSettings(spans=[HiddenSpan(3, 9, "given")], out_of_body=False)
    redact(str(operation), tmp_path / "out.mp4", settings)
    assert [frame.index for frame in read(tmp_path / "out.mp4") if frame.image.max() < 8] == list(range(3, 9))


def test_pictures_keep_no_exif_and_no_names(tmp_path):
    folder = tmp_path / "Doe^Jane"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe"
    for t in range(3):
        Image.fromarray(secret(t)).save(folder / f"jane-{t}.jpg", exif=exif, comment=b"Jane", quality=95)
    log = redact(str(folder), tmp_path / "out", RedactionSettings([SECRET], out_of_body=False))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{t:06d}.jpg" for t in range(3)]
    for path in (tmp_path / "out").iterdir():
        with Image.open(path) as picture:
            assert not picture.getexif()
            assert "comment" not in picture.info
            assert "exif" not in picture.info
            assert np.asarray(picture)[SECRET.y0 : SECRET.y1, SECRET.x0 : SECRET.x1].max() < 8
        assert b"Jane" not in path.read_bytes()
    assert "jane" not in json.dumps(log).lower()


def test_a_tool_that_is_stopped_half_way_leaves_nothing(tmp_path, operation):
    class StopError(Exception):
        pass

    def stop(what, done, total):
        if what == "writing" and done == 20:
            raise StopError

    with pytest.raises(StopError):
        redact(str(operation), tmp_path / "out.mp4", report_progress=stop)
    assert list(tmp_path.iterdir()) == []
    redact(str(operation), tmp_path / "out.mp4")
    assert {path.name for path in tmp_path.iterdir()} == {"out.mp4", "out.mp4.redaction.json"}


def test_damage_in_the_input_leaves_nothing(tmp_path, operation):
    broken = tmp_path / "broken.mp4"
    data = operation.read_bytes()
    broken.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(SourceError):
        redact(str(broken), tmp_path / "out.mp4")
    assert {path.name for path in tmp_path.iterdir()} == {"broken.mp4"}


def test_what_exists_is_not_replaced(tmp_path, operation):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"out.mp4 exists; a redaction replaces nothing, name another --out"):
        redact(str(operation), out)
    assert out.read_bytes() == b"mine"


def test_what_does_not_fit_is_refused_before_anything_is_read(tmp_path, operation):
    with pytest.raises(ConfigError, match=r"margin of -1 seconds cannot be"):
        redact(str(operation), tmp_path / "out.mp4", RedactionSettings(margin=-1))
    with pytest.raises(ConfigError, match=r"area 0,0,900,10 does not lie in the picture of 128x128"):
        redact(str(operation), tmp_path / "out.mp4", RedactionSettings([HiddenArea(0, 0, 900, 10)]))
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(secret(0)).save(folder / "0.png")
    with pytest.raises(ConfigError, match=r"no frame rate to write a video with; name a folder"):
        redact(str(folder), tmp_path / "out.mp4")
