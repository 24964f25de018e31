"""Video files with label maps beside them as training data."""

import re

import av
import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.training.data import ClipSettings, ClipStream, SourceSettings, open_source
from sam2s.training.data.check import check
from sam2s.training.data.film import FilmVideo, film_files
from sam2s.training.data.opening import find_entries

COUNT, SIZE = 12, (48, 64)


def write_film(path, count=COUNT):
    """A film whose frame t is grey of level 10 t."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
        for t in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((*SIZE, 3), 10 * t, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_map(path, ids, size=SIZE):
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.zeros(size, np.uint8)
    for k, object_id in enumerate(ids):
        labels[8:24, 8 + 20 * k : 24 + 20 * k] = object_id
    Image.fromarray(labels).save(path)


@pytest.fixture
def films(tmp_path):
    """A film whose even frames are annotated, beside its maps."""
    write_film(tmp_path / "case1.mp4")
    for t in range(0, COUNT, 2):
        write_map(tmp_path / f"case1/{t:05}.png", (1, 2) if t < 6 else (2,))
    return tmp_path


def test_frames_are_decoded_where_a_map_says_that_somebody_looked(films):
    (entry,) = find_entries(films)
    video = entry.read()
    assert isinstance(video, FilmVideo)
    assert (entry.name, entry.frames, list(video.frames)) == ("case1", 6, [0, 2, 4, 6, 8, 10])
    assert [round(image.mean() / 10) for image in video.images([2, 10])] == [2, 10]
    assert video.cover(6) == {2: pytest.approx(16 * 16 / (48 * 64))}
    masks = video.masks(6, [1, 2])
    assert (masks[1].sum(), masks[2].sum()) == (0, 256)
    assert not list(video.problems())


def test_clips_of_a_film(films):
    source = open_source(SourceSettings(place=str(films)), size=64)
    batch = ClipStream([source], ClipSettings(size=64, frames=5, divemem=0, picture_share=0), seed=1).batch(0)
    assert batch.images.shape == (1, 5, 3, 64, 64)
    assert batch.known.all()
    assert check(films).ok


def test_films_in_the_place_of_folders_of_pictures(tmp_path):
    write_film(tmp_path / "JPEGImages/case1.mp4")
    write_map(tmp_path / "Annotations/case1/00003.png", (1,))
    write_map(tmp_path / "Annotations/case1/00005.png", (1,))
    (entry,) = find_entries(tmp_path)
    assert (entry.name, list(entry.read().frames)) == ("case1", [3, 5])


@pytest.mark.parametrize(
    ("name", "ids", "size", "text"),
    [
        ("00040", (1,), SIZE, r"case1\.mp4 has 12 frames, but frame 40 has a map"),
        ("frame3", (1,), SIZE, "map frame3 is not named after the number of its frame"),
        ("00003", (1,), (24, 32), "the mask is 32x24, the video 64x48"),
        ("2", (1,), SIZE, "frame 2 has two maps"),
    ],
)
def test_maps_that_do_not_fit(films, name, ids, size, text):
    write_map(films / f"case1/{name}.png", ids, size)
    found = [finding.text for report in check(films).videos for finding in report.findings if finding.fatal]
    assert any(re.search(text, each) for each in found), found


def test_a_film_that_is_damaged(films):
    (films / "case1.mp4").write_bytes(b"no film")
    (entry,) = find_entries(films)
    with pytest.raises(DatasetError, match=r"cannot read the frames of .*case1\.mp4"):
        entry.read().images([0])
    assert not check(films).ok


def test_two_films_of_one_name(films):
    (films / "case1.mov").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"case1\.mov and .*case1\.mp4 are videos of one name"):
        film_files(films)
    assert film_files(films / "nowhere") == {}


def test_a_video_without_its_maps_is_named_with_what_is_to_be_renamed(films):
    write_film(films / "case2.mp4")
    write_film(films / "case3.mp4")
    (films / "Case3_masks").mkdir()
    report = check(films)
    assert report.ok
    unused = "not used: case2.mp4 has no folder 'case2' of label maps beside it"
    alike = "not used: case3.mp4 has no folder 'case3' of label maps beside it; there is 'Case3_masks': rename it to"
    told = [finding.text for _, finding in report.findings if finding.kind == "file"]
    assert told == [unused, f"{alike} 'case3'"]
    (films / "case1").rename(films / "case_1")
    with pytest.raises(DatasetError, match=r"no video of .* can be learned from: case1\.mp4 has no folder 'case1'"):
        find_entries(films)


def test_films_in_a_folder_below_are_pointed_at(films):
    below = films / "a" / "set"
    below.mkdir(parents=True)
    for name in ("case1", "case1.mp4"):
        (films / name).rename(below / name)
    with pytest.raises(DatasetError, match=rf"holds no video itself; give the folder {below}, which does"):
        find_entries(films)
    (films / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"or give a folder with video files such as case1\.mp4, and label maps in"):
        find_entries(films / "empty")


def test_maps_that_are_counted_from_one_are_told(films):
    last = films / "case1" / f"{COUNT:05d}.png"
    (films / "case1" / "00000.png").rename(last)
    told = [finding.text for _, finding in check(films).findings]
    assert any(f"has {COUNT} frames, but frame {COUNT} has a map; they are counted from 0" in text for text in told)
