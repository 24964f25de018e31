import pytest

from sam2s.sasv.adapters import polypgen as adapter
from sam2s.sasv.fixtures import polypgen as fixture


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def test_frames_sort_by_their_last_number(folder):
    videos = {video.name: video for video in adapter.videos(folder)}
    frames = list(videos["seq2"].frames())
    assert [frame.index for frame in frames] == [2, 10, 11, 40]
    assert [bool(frame.labels.masks[0].mask.any()) for frame in frames] == [True, True, False, True]


def test_only_sequences_with_polyps_are_in_sa_sv(folder):
    videos = {video.name: video for video in adapter.videos(folder)}
    assert [name for name, video in videos.items() if video.subset] == ["seq2"]
    assert {name for name, video in videos.items() if video.images} == {
        "C1_100H0050",
        "C3_C3_EndoCV2021_00489_",
        "C4_12_endocv2021_positive_3",
    }
    assert next(videos["seq1_neg"].frames()).labels.masks == ()


def test_misspelt_file_finds_its_mask(folder):
    video = next(v for v in adapter.videos(folder) if v.name.startswith("C3"))
    assert next(video.frames()).labels.masks[0].mask.any()


def test_patients_of_single_images(folder):
    patients = {video.name[:2]: video.patient for video in adapter.videos(folder) if video.images}
    assert patients == {"C1": "polypgen:C1:100", "C3": "polypgen:C3", "C4": "polypgen:C4:12"}


def test_file_without_number_is_named(folder):
    images = folder / "sequenceData/positive/seq2/images_seq2"
    (images / "seq2_C6_2.jpg").rename(images / "cover.jpg")
    problems = {video.name: video.problem for video in adapter.videos(folder)}
    assert "cover.jpg has no frame number" in problems.pop("seq2")
    assert not any(problems.values())


def test_masks_without_pictures_are_named(folder):
    (folder / "sequenceData/positive/seq2/images_seq2/seq2_C6_10.jpg").unlink()
    problem = {video.name: video.problem for video in adapter.videos(folder)}["seq2"]
    assert problem.startswith("1 masks of ")
    assert "such as seq2_C6_10_mask.jpg" in problem
