import numpy as np
import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.adapters import cholecseg8k as adapter
from sam2s.sasv.assemble import assemble
from sam2s.sasv.fixtures import cholecseg8k as fixture
from sam2s.sasv.fixtures.drawing import SIZE, disc, picture, save, two_tone


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def test_clips_that_touch_are_joined_in_number_order(folder):
    videos = list(adapter.videos(folder))
    assert [video.name for video in videos] == ["video01_00080", "video01_00400"]
    assert [frame.index for frame in videos[0].frames()] == [99, 100, 160, 161]
    assert {video.patient for video in videos} == {"cholec:001"}


def test_codes_are_decimal_and_alpha_is_ignored(folder):
    frames = list(next(adapter.videos(folder)).frames())
    for frame in frames:  # the third has an alpha channel
        found = {raw.label: raw.mask for raw in frame.labels.masks}
        assert sorted(found) == ["black background", "gallbladder", "grasper", "liver"]
        assert found["gallbladder"].sum() == (fixture.codes(frame.index) == 22).sum()
        assert frame.labels.unknown == 0


def test_tissue_that_jumps_stays_one_object_and_specks_are_none(folder, tmp_path):
    for number, clip in ((99, 80), (100, 80), (160, 160), (161, 160)):
        grey = np.full(SIZE, 50, np.uint8)
        grey[disc(8, 8, 6) if number % 2 else disc(48, 32, 12)] = 22
        save(folder / f"video01/video01_{clip:05d}/frame_{number}_endo.png", two_tone())
        grey[30:33, 30:33] = 21
        save(folder / f"video01/video01_{clip:05d}/frame_{number}_endo_watershed_mask.png", grey)
    (tmp_path / "out").mkdir()
    labels, _ = assemble(next(adapter.videos(folder)), "cholecseg8k", {}, tmp_path / "out", hard_link=False)
    assert [o.label for o in labels.objects.values()] == ["gallbladder"]


def test_stray_codes_are_counted(folder):
    grey = fixture.codes(99)
    grey[30, 30] = 35
    save(folder / "video01/video01_00080/frame_99_endo_watershed_mask.png", grey)
    assert next(next(adapter.videos(folder)).frames()).labels.unknown == 1


def test_colours_in_place_of_codes_are_refused(folder):
    save(folder / "video01/video01_00080/frame_99_endo_watershed_mask.png", picture())
    with pytest.raises(DatasetError, match=r"frame_99_endo_watershed_mask\.png should hold one code per pixel"):
        list(next(adapter.videos(folder)).frames())
