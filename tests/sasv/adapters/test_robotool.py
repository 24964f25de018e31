import pytest

from sam2s.sasv.adapters import robotool as adapter
from sam2s.sasv.assemble import assemble
from sam2s.sasv.fixtures import robotool as fixture


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def test_single_pictures_by_video_number(folder):
    videos = list(adapter.videos(folder))
    assert [v.name for v in videos] == ["dv1_00004", "dv1_00120", "dv2_00009", "dv10_00003"]
    assert all(v.images and v.length == 1 and v.subset == "RoboTool" for v in videos)
    assert videos[-1].patient == "robotool:dv10"


def test_masks_of_either_kind_are_split_into_tools(folder, tmp_path):
    for video in adapter.videos(folder):
        out = tmp_path / video.name
        out.mkdir()
        labels, _ = assemble(video, "robotool", {}, out, hard_link=False)
        assert [o.category for o in labels.objects.values()] == ["instrument", "instrument"]
        assert (next(video.frames()).labels.masks[0].mask == fixture.TOOLS).all()


def test_missing_mask_is_named(folder):
    (folder / "dv10_00003_seg.png").unlink()
    assert "dv10_00003_seg.png is missing" in list(adapter.videos(folder))[-1].problem


def test_another_nesting_is_described_by_a_mapping_file(tmp_path):
    for number in (1, 2):
        fixture.save(tmp_path / f"robo/dv{number}/frame_{number}.jpg", fixture.picture(number))
        fixture.save(tmp_path / f"robo/dv{number}/frame_{number}.png", fixture.TOOLS)
    assert adapter.find(tmp_path) is None
    (tmp_path / "robotool.yaml").write_text(
        "folder: robo\nimages: '{video}/frame_{frame}.jpg'\nmasks: {instrument: '{video}/frame_{frame}.png'}\n"
        "encoding: binary\nthreshold: 0\nobjects: components\nmissing: error\n"
    )
    videos = list(adapter.videos(adapter.find(tmp_path)))
    assert [(v.name, v.patient, v.images) for v in videos] == [
        ("dv1-1", "robotool:dv1", True),
        ("dv2-2", "robotool:dv2", True),
    ]
