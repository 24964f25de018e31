import json

import numpy as np
import pytest

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.build import patch_video
from sam2s.sasv.fixtures import cholecinstanceseg, cvc_clinicdb
from sam2s.sasv.fixtures.drawing import SIZE, disc
from sam2s.sasv.masklets import MaskletDataset
from sam2s.sasv.patch import Patch, VideoPatch, read_patches, write_patch
from sasv.building import build

NAME = "cholecinstanceseg/VID01_t50_full"  # graspers 1 and 2 on frame 0; hook 3 on frames 0, 1 and 3


@pytest.fixture
def built(tmp_path):
    cholecinstanceseg.draw(tmp_path / "root")
    build(tmp_path / "root", tmp_path / "set")
    return MaskletDataset(tmp_path / "set")


def edit(built, *edits, base=None):
    patch_video(built[NAME], VideoPatch(list(edits), base))
    return {o.id: o for o in built[NAME].objects}


def test_starting_point(built):
    assert {o.id: o.seen for o in built[NAME].objects} == {1: [0], 2: [0], 3: [0, 1, 3]}


def test_merge(built):
    before = built[NAME].objects
    after = edit(built, {"do": "merge", "ids": [1, 2]})
    assert sorted(after) == [1, 3]
    assert after[1].area[0] == before[0].area[0] + before[1].area[0]


def test_split_and_swap(built):
    after = edit(built, {"do": "split", "id": 3, "frame": 1, "new": 9})
    assert (after[3].seen, after[9].seen) == ([0], [1, 3])
    after = edit(built, {"do": "swap", "ids": [3, 9], "frame": 3})
    assert (after[3].seen, after[9].seen) == ([0, 3], [1])


def test_relabel_rename_drop(built):
    after = edit(
        built,
        {"do": "relabel", "id": 3, "new": 30},
        {"do": "rename", "id": 2, "category": "uterus"},
        {"do": "drop", "id": 30, "frames": [0, 1]},
        {"do": "drop", "id": 1},
    )
    assert sorted(after) == [2, 30]
    assert (after[2].category, after[2].kind) == ("uterus", "tissue")
    assert after[30].area[:2] == (0, 0)


def test_mask_replaces_adds_and_forgets(built):
    mask = disc(30, 20, 6)
    after = edit(
        built,
        {"do": "mask", "id": 3, "frame": 2, "rle": rle.encode(mask)},
        {"do": "mask", "id": 50, "frame": 1, "category": "snare", "rle": rle.encode_uncompressed(mask)},
        {"do": "mask", "id": 3, "frame": 0, "rle": None},
    )
    assert np.array_equal(built[NAME].masks(2)[3], mask)
    assert after[50].area == (0, mask.sum(), 0, 0)
    assert after[3].area[0] is None


def test_applying_twice_changes_nothing(built):
    patch = VideoPatch([{"do": "merge", "ids": [1, 2]}], built[NAME].base)
    assert patch_video(built[NAME], patch) == 1
    assert patch_video(built[NAME], patch) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"do": "merge", "ids": [1, 8]}, "there is no object 8; ids here: 1, 3"),
        ({"do": "merge", "ids": [1, 3]}, "object 3 is a hook, not a grasper; rename it first"),
        ({"do": "split", "id": 3, "frame": 9, "new": 4}, "there is no frame 9; frames are 0 to 3"),
        ({"do": "split", "id": 3, "frame": 1, "new": 1}, "id 1 is taken"),
        ({"do": "rename", "id": 3, "category": "spoon"}, "'spoon' is not a category of the ontology"),
        ({"do": "mask", "id": 3, "frame": 1}, "needs the key 'rle'"),
        ({"do": "mask", "id": 3, "frame": 1, "rle": {"size": [2, 2], "counts": [4]}}, r"the mask is \[2, 2\]"),
        ({"do": "paint"}, "does 'paint'; allowed: merge, split, swap, relabel, rename, drop, mask"),
    ],
)
def test_a_wrong_edit_is_refused_and_nothing_changes(built, wrong, message):
    before = (built[NAME].folder / "SHA256SUMS").read_text()
    with pytest.raises(DatasetError, match=message):
        edit(built, {"do": "drop", "id": 2}, wrong)
    assert (built[NAME].folder / "SHA256SUMS").read_text() == before


def test_a_patch_for_other_labels_is_refused(built):
    with pytest.raises(DatasetError, match="the patch was made for labels 0123"):
        edit(built, {"do": "drop", "id": 2}, base="0123")


def _file(path, *edits, base=None):
    path.write_text(json.dumps(write_patch(Patch({NAME: VideoPatch(list(edits), base)}))))
    return path


def test_two_peoples_patches_merge(tmp_path):
    drop, rename = {"do": "drop", "id": 1}, {"do": "rename", "id": 2, "category": "snare"}
    a = _file(tmp_path / "a.json", drop, base="x")
    b = _file(tmp_path / "b.json", rename, drop)
    assert read_patches([a, b]).videos[NAME] == VideoPatch([drop, rename], "x")
    c = _file(tmp_path / "c.json", {"do": "rename", "id": 2, "category": "hook"})
    with pytest.raises(DatasetError, match=r"c\.json: .*: category of object 2 differs from an earlier patch"):
        read_patches([a, b, c])
    d = _file(tmp_path / "d.json", drop, base="y")
    with pytest.raises(DatasetError, match=r"d\.json"):
        read_patches([a, d])
    (tmp_path / "e.json").write_text("[1]")
    with pytest.raises(DatasetError, match=r"cannot read .*e\.json"):
        read_patches([tmp_path / "e.json"])


def test_a_build_with_a_patch_keeps_earlier_corrections(built, tmp_path):
    first, second = {"do": "drop", "id": 1}, {"do": "drop", "id": 2}
    edit(built, first)
    for _ in range(2):
        patch = Patch({NAME: VideoPatch([second])})
        outcomes = {i: o.state for i, o in build(tmp_path / "root", tmp_path / "set", patch=patch).items()}
        assert [o.id for o in built[NAME].objects] == [3]
        assert built[NAME].edits == (first, second)
    assert set(outcomes.values()) == {"kept"}


def test_corrections_survive_a_new_build(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    out = tmp_path / "set"
    build(tmp_path / "root", out)
    video = MaskletDataset(out)["cvc-clinicdb/02"]
    patch_video(video, VideoPatch([{"do": "drop", "id": 2}], video.base))
    build(tmp_path / "root", out, fresh=True)
    again = MaskletDataset(out)["cvc-clinicdb/02"]
    assert [o.id for o in again.objects] == [1]
    assert again.edits == ({"do": "drop", "id": 2},)
    assert again.size == SIZE
