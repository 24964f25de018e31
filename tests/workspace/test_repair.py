"""What a repair saves of a damaged workspace."""

import random

import pytest

from sam2s.errors import DamagedWorkspaceError, WorkspaceError
from sam2s.workspace import Workspace
from workspace_tools import VIDEO, fill, flip, masks_of


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("masks", "rle", "mask_id = 9"),  # objects 1 and 2 alternate, so this is object 1 on frame 4
        ("masks", "crc", "mask_id = 9"),
        *(
            ("versions", column, "object_id = 1 AND frame = 4")
            for column in ("mask_id", "area", "state", "iou", "presence", "prompted", "layer", "crc")
        ),
    ],
)
def test_a_flipped_bit_is_named_and_repair_drops_only_that_mask(tmp_path, table, column, where):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, range(8))
        before = masks_of(workspace)
    flip(tmp_path, table, column, where)
    with Workspace.open(tmp_path) as workspace:
        with pytest.raises(DamagedWorkspaceError, match=r"the mask of object 1 on frame 4 is damaged; .*repair"):
            list(workspace.frames())
        assert len(list(workspace.frames(object_ids=[2]))) == 8, "what is whole can be read"
        assert any("object 1 on frame 4 is damaged" in problem for problem in workspace.check().problems)
        with pytest.raises(DamagedWorkspaceError, match="lost what was written: the mask of object 1 on frame 4"):
            workspace.check_event(event)
    report = Workspace.repair(tmp_path)
    assert report.copy.exists()
    assert "1 masks were damaged" in report.problems
    with Workspace.open(tmp_path, write=True) as workspace:
        assert workspace.check().problems == []
        assert masks_of(workspace) == {key: value for key, value in before.items() if key != (1, 4)}


def test_damaged_pages_are_found_and_the_rest_is_saved(tmp_path):
    """Bytes overwritten anywhere: a result or a named error, and after a repair a whole workspace."""
    with Workspace.create(tmp_path / "good", VIDEO) as workspace:
        fill(workspace, range(120))
        before = masks_of(workspace)
    whole = (tmp_path / "good/workspace.sqlite").read_bytes()
    rng, saved, refused = random.Random(2), 0, 0
    for number in range(25):
        folder = tmp_path / f"bad{number}"
        folder.mkdir()
        data = bytearray(whole)
        for _ in range(rng.choice([1, 1, 3])):
            start = rng.randrange(100, len(data) - 200)
            data[start : start + rng.choice([1, 16, 200])] = rng.randbytes(rng.choice([1, 16, 200]))
        (folder / "workspace.sqlite").write_bytes(data[: len(whole)])
        try:
            with Workspace.open(folder) as workspace:
                shown = masks_of(workspace)
                problems = workspace.check().problems
            assert problems or all(before[key] == value for key, value in shown.items())
        except WorkspaceError:
            pass
        try:
            Workspace.repair(folder)
        except WorkspaceError:
            refused += 1
            assert list(folder.glob("workspace.damaged-*.sqlite")), "the copy is kept"
            continue
        with Workspace.open(folder, write=True) as workspace:
            assert workspace.check().problems == []
            after = masks_of(workspace)
            assert all(before[key] == value for key, value in after.items() if key in before)
            saved += len(after)
    assert saved > 0.3 * len(before) * (25 - refused)
    assert refused <= 5
