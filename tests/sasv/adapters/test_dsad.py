from collections import Counter

import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.adapters import dsad as adapter
from sam2s.sasv.fixtures import dsad as fixture


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


@pytest.fixture
def videos(folder):
    return {video.name: video for video in adapter.videos(folder)}


def test_dense_folders_are_videos_and_others_single_pictures(videos):
    assert Counter(v.subset for v in videos.values()) == {"DSAD-V": 1, "DSAD-I": 2, None: 1}
    assert videos["colon-01"].length == len(fixture.NUMBERS)
    assert not videos["colon-01"].images
    assert videos["liver-21-image07"].images
    assert videos["liver-21-image07"].length == 1


def test_frames_are_in_number_order(videos):
    assert [frame.index for frame in videos["colon-01"].frames()] == fixture.NUMBERS


def test_only_the_organ_of_the_folder_was_looked_for(videos):
    frames = list(videos["colon-01"].frames())
    assert all(frame.labels.scope == {"colon"} for frame in frames)
    assert not frames[fixture.EMPTY].labels.masks[0].mask.any()  # looked for and not there


def test_pieces_of_an_organ_are_one_object(videos):
    (mask,) = next(videos["colon-01"].frames()).labels.masks
    assert mask.track == "colon"
    assert mask.mask.sum() == (fixture.disc(20, 20, 9) | fixture.disc(50, 35, 4)).sum()


def test_a_multilabel_frame_tells_of_the_organs_that_have_a_file(videos):
    first, second = videos["multilabel-02"].frames()
    assert first.labels.scope == {"liver", "small_intestine"}
    assert second.labels.scope == {"liver"}
    assert [m.mask.any() for m in first.labels.masks] == [True, False]


def test_sa_sv_trains_on_all_surgeries_and_the_rest_keeps_its_own_split(videos):
    assert videos["liver-21-image00"].split == "train"  # a surgery of the source's validation split
    assert videos["multilabel-02"].split == "test"
    assert videos["colon-01"].patient == "dsad:01"


def test_missing_mask_is_named(folder):
    (folder / "liver/21/mask07.png").unlink()
    video = next(v for v in adapter.videos(folder) if v.name == "liver-21-image07")
    assert "1 file is missing: " in video.problem
    assert "mask07.png; unpack" in video.problem


def test_unknown_organ_is_named(folder):
    fixture.save(folder / "multilabel/02/mask00_uterus.png", fixture.disc(5, 5, 3))
    video = next(v for v in adapter.videos(folder) if v.name == "multilabel-02")
    with pytest.raises(DatasetError, match="'uterus' is not an organ of DSAD"):
        list(video.frames())


def test_same_number_twice_is_refused(folder):
    fixture.save(folder / "liver/21/image007.png", fixture.picture(1))
    with pytest.raises(DatasetError, match="have one frame number"):
        list(adapter.videos(folder))


def test_nothing_found_elsewhere(tmp_path):
    assert adapter.find(tmp_path) is None
