import itertools

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError, OutputError
from sam2s.masks.palette import davis_palette, display_color, label_map, read_label_map, write_label_map
from sam2s.sasv.fixtures.drawing import damage, picture, save


def test_davis_colours():
    assert davis_palette()[:4].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert davis_palette()[[8, 15, 21, 255]].tolist() == [[64, 0, 0], [192, 128, 128], [128, 64, 128], [224, 224, 192]]
    assert len({tuple(color) for color in davis_palette().tolist()}) == 256


def test_display_colours_differ():
    colors = np.array([display_color(i) for i in range(1, 25)], float)
    gaps = [np.abs(a - b).sum() for a, b in itertools.combinations(colors, 2)]
    assert min(gaps) > 25
    assert min(np.abs(a - b).sum() for a, b in itertools.combinations(colors[:12], 2)) > 60


def test_label_map_round_trip(tmp_path):
    labels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    write_label_map(tmp_path / "a.png", labels)
    assert np.array_equal(read_label_map(tmp_path / "a.png"), labels)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        assert image.getpalette() == davis_palette().ravel().tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_smallest_id_wins_where_masks_overlap():
    whole, left = np.ones((1, 3), bool), np.array([[True, False, False]])
    assert label_map({2: left, 1: whole}, (1, 3)).tolist() == [[1, 1, 1]]
    assert label_map({1: left, 7: whole}, (1, 3)).tolist() == [[1, 7, 7]]


def test_more_than_255_objects():
    with pytest.raises(OutputError, match=r"object id 256 does not fit into an indexed PNG, which holds ids 1 to 255"):
        label_map({256: np.ones((2, 2), bool)}, (2, 2))


@pytest.mark.parametrize(("mode", "value"), [("L", 7), ("1", 1), ("I;16", 300), ("RGB", (9, 9, 9))])
def test_other_kinds_of_ids(tmp_path, mode, value):
    Image.new(mode, (3, 2), value).save(tmp_path / "a.png")
    assert (read_label_map(tmp_path / "a.png") == np.max(value)).all()


def test_colours_are_not_ids(tmp_path):
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="is a RGB picture: its pixels are colours, not ids"):
        read_label_map(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="cannot read mask"):
        read_label_map(tmp_path / "none.png")


def test_a_damaged_label_map(tmp_path):
    save(tmp_path / "a.png", picture()[..., 0])
    damage(tmp_path / "a.png")
    with pytest.raises(DatasetError, match=r"cannot read mask .*a\.png: broken PNG file"):
        read_label_map(tmp_path / "a.png")
