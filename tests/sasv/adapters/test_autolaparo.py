import numpy as np
import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.adapters import autolaparo as adapter
from sam2s.sasv.assemble import assemble
from sam2s.sasv.fixtures import autolaparo as fixture
from sam2s.sasv.fixtures.drawing import SIZE, disc, save, two_tone


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def test_clips_of_one_frame_a_second(folder):
    videos = list(adapter.videos(folder))
    assert [(v.name, v.length, v.patient) for v in videos] == [
        ("001", 6, "autolaparo:train"),
        ("171", 2, "autolaparo:val"),
    ]
    assert [frame.pts for frame in videos[0].frames()] == [0, 1, 2, 3, 4, 5]


def test_manipulator_and_shaft_are_one_tool(folder):
    frames = list(next(adapter.videos(folder)).frames())
    areas = [{raw.label: int(raw.mask.sum()) for raw in frame.labels.masks} for frame in frames]
    codes = fixture.codes(5)[..., 0]
    assert areas[5] == {
        "grasping forceps": int(((codes == 20) | (codes == 40)).sum()),
        "uterus": int((codes == 180).sum()),
    }
    assert areas[0]["grasping forceps"] < areas[5]["grasping forceps"]


def test_a_tool_that_jumps_between_frames_stays_one_object(folder, tmp_path):
    for second, frame in enumerate((1, 25, 50, 75, 100, 125)):
        codes = np.zeros(SIZE, np.uint8)
        codes[disc(54, 38, 9) if second % 2 else disc(8, 8, 5)] = 140
        save(folder / "imgs" / f"001{frame:03d}.jpg", two_tone())
        save(folder / "masks" / f"001{frame:03d}.png", codes)
    (tmp_path / "out").mkdir()
    labels, _ = assemble(next(adapter.videos(folder)), "autolaparo", {}, tmp_path / "out", hard_link=False)
    assert [o.label for o in labels.objects.values()] == ["electric hook"]


def test_undocumented_code_is_counted(folder):
    codes = fixture.codes(0)
    codes[0, 0] = 77
    save(folder / "masks" / "001001.png", codes)
    assert next(next(adapter.videos(folder)).frames()).labels.unknown == 1


def test_foreign_name_is_refused(folder):
    (folder / "imgs" / "001001.jpg").rename(folder / "imgs" / "001002.jpg")
    with pytest.raises(DatasetError, match=r"001002\.jpg is not named CCCFFF"):
        list(adapter.videos(folder))
