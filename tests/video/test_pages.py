from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import SourceError, TruncatedSourceError
from sam2s.video import open_source
from sam2s.video.pages import PagesSource

GREYS = (40, 100, 160)


def pictures(size=(48, 64)):
    return [Image.fromarray(np.full((*size, 3), grey, np.uint8)) for grey in GREYS]


def stack(path, images, **options):
    images[0].save(path, save_all=True, append_images=images[1:], **options)
    return path


@pytest.mark.parametrize("name", ["a.tif", "a.webp", "a.png"])
def test_every_page_is_a_frame(tmp_path, name):
    source = open_source(stack(tmp_path / name, pictures(), **({"lossless": True} if name == "a.webp" else {})))
    assert isinstance(source, PagesSource)
    assert (source.length, source.size, source.name, source.fps) == (3, (48, 64), "a", None)
    assert [int(frame.image[0, 0, 0]) for frame in source.frames()] == list(GREYS)
    assert [(f.index, int(f.image[0, 0, 0])) for f in source.frames(1, step=1)] == [(1, 100), (2, 160)]
    assert [f.index for f in source.frames(0, 9, 2)] == [0, 2]
    assert [int(source.frame(i).image[0, 0, 0]) for i in (2, 0, 1)] == [160, 40, 100]
    with pytest.raises(SourceError, match="no frame 3; the file has 3 pages, counted from 0"):
        source.frame(3)


def test_fps_gives_times_and_contents_the_fingerprint(tmp_path):
    path = stack(tmp_path / "a.tif", pictures())
    source = open_source(path, fps=Fraction(30000, 1001))
    assert source.frame(2).pts == 2 * Fraction(1001, 30000)
    before = source.fingerprint()
    assert before == open_source(path).fingerprint()
    stack(path, pictures()[::-1])
    assert open_source(path).fingerprint() != before


def test_a_stack_of_sixteen_bits_has_one_depth(tmp_path):
    pages = [Image.fromarray(np.full((48, 64), value, np.uint16)) for value in (200, 4095)]
    source = open_source(stack(tmp_path / "a.tif", pages))
    assert [int(frame.image[0, 0, 0]) for frame in source.frames()] == [round(200 * 255 / 4095), 255]


def test_pages_of_two_sizes_are_refused_where_they_differ(tmp_path):
    source = open_source(stack(tmp_path / "a.tif", [*pictures()[:2], *pictures((24, 32))]))
    frames = source.frames()
    assert [next(frames).index, next(frames).index] == [0, 1]
    with pytest.raises(
        SourceError, match="page 2 is 32x24, the first one 64x48; all frames of a video must have one size"
    ):
        next(frames)


def test_a_damaged_page_ends_the_video_after_the_good_ones(tmp_path):
    noise = [Image.fromarray(np.random.default_rng(i).integers(0, 255, (48, 64, 3), dtype=np.uint8)) for i in range(3)]
    path = stack(tmp_path / "a.tif", noise, compression="tiff_deflate")
    with Image.open(path) as image:
        image.seek(1)
        offset = image.tag_v2[273][0]
    data = bytearray(path.read_bytes())
    data[offset : offset + 200] = bytes(200)
    path.write_bytes(data)
    source, read = open_source(path), []
    with pytest.raises(TruncatedSourceError, match=r"a\.tif: frame 1 is damaged"):
        read.extend(frame.index for frame in source.frames())
    assert source.frame(0).image.shape == (48, 64, 3)
    assert source.frame(2).image.shape == (48, 64, 3)
