"""`sam2s export masks`, `sam2s import masks` and `sam2s workspace` as a person runs them."""

import json
import sqlite3

import numpy as np
import pytest
from typer.testing import CliRunner

from sam2s.cli import app
from sam2s.errors import ConfigError, DatasetError, SourceError, WorkspaceError
from sam2s.workspace import VideoIdentity, Workspace
from tracking_tools import movie
from workspace_tools import VIDEO, fill, masks_of


def sam2s(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return done.exit_code, done.stdout


@pytest.fixture
def folder(tmp_path):
    with Workspace.create(tmp_path / "w", VIDEO) as workspace:
        fill(workspace, range(5))
        workspace.accept([1], 1, 3)
    return tmp_path / "w"


def test_masks_go_out_and_in(folder, tmp_path):
    status, text = sam2s("export", "masks", folder, "--to", "cvat,labelme", "--out", tmp_path / "out", "--json")
    assert status == 0
    assert json.loads(text) == {"cvat": str(tmp_path / "out/cvat.xml"), "labelme": str(tmp_path / "out/labelme")}
    np.save(tmp_path / "clip.npy", movie(9, 48, 64))
    new = tmp_path / "new"
    status, text = sam2s("import", "masks", new, tmp_path / "out/cvat.xml", "--video", tmp_path / "clip.npy")
    assert (status, text.splitlines()[0]) == (0, "read 9 masks and 0 boxes on 5 frames (cvat)")
    with Workspace.open(folder) as before, Workspace.open(new) as after:
        assert after.video.name == "clip"
        assert masks_of(after) == {key: value for key, value in masks_of(before).items() if key != (2, 2)}, "empty"
    status, text = sam2s("import", "masks", new, tmp_path / "out/labelme", "--json", "--author", "ana")
    assert json.loads(text)["objects"] == {"1": 1, "2": 2}


def test_some_objects_only(folder, tmp_path):
    sam2s("export", "masks", folder, "--to", "coco", "--objects", "2")
    content = json.loads((folder / "coco.json").read_text())
    assert {entry["track_id"] for entry in content["annotations"]} == {2}
    assert {category["name"] for category in content["categories"]} == {"hook"}
    with pytest.raises(ConfigError, match="--objects 'a' are not object ids; give for example 1,2"):
        sam2s("export", "masks", folder, "--to", "coco", "--objects", "a")


def test_an_overlay_needs_its_video(folder, tmp_path):
    with pytest.raises(
        SourceError, match=r"the video clip is needed and not at /data/clip.mp4; bring it back, or give --video"
    ):
        sam2s("export", "masks", folder, "--to", "overlay")
    np.save(tmp_path / "other.npy", movie(9, 48, 64))
    with pytest.raises(WorkspaceError, match=r"other.npy is another video than clip, of which the masks are"):
        sam2s("export", "masks", folder, "--to", "overlay", "--video", tmp_path / "other.npy")
    from sam2s.video import open_source

    with Workspace.create(tmp_path / "own", VideoIdentity.of(open_source(tmp_path / "other.npy"))) as workspace:
        fill(workspace, range(5))
    sam2s("export", "masks", tmp_path / "own", "--to", "overlay", "--video", tmp_path / "other.npy")
    assert (tmp_path / "own/overlay.mp4").stat().st_size > 500


def test_an_export_can_be_made_while_another_process_writes(folder):
    with Workspace.open(folder, write=True):
        assert sam2s("export", "masks", folder, "--to", "csv")[0] == 0


def test_import_without_workspace(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(WorkspaceError, match="holds no workspace"):
        sam2s("import", "masks", tmp_path / "w", tmp_path / "x.json")
    Workspace.create(tmp_path / "w", VIDEO).close()
    with pytest.raises(DatasetError, match="is of no form that is read"):
        sam2s("import", "masks", tmp_path / "w", tmp_path / "x.json")


def test_workspace_verbs(folder, tmp_path):
    status, text = sam2s("workspace", "show", folder)
    assert "clip: 64x48, 300 frames\nmasks on 5 frames, 4 acts\n  object 1 grasper: accepted frames 1-2\n" in text
    assert json.loads(sam2s("workspace", "show", folder, "--json")[1])["objects"][0]["accepted"] == [[1, 3]]
    assert sam2s("workspace", "check", folder) == (0, "12 masks on 5 frames and 4 acts are whole\n")
    assert sam2s("workspace", "backup", folder, tmp_path / "copy.sqlite") == (0, f"{tmp_path / 'copy.sqlite'}\n")
    connection = sqlite3.connect(folder / "workspace.sqlite")
    connection.execute("UPDATE masks SET rle = 'x' WHERE mask_id = 2")
    connection.commit()
    connection.close()
    status, text = sam2s("workspace", "check", folder)
    assert status == 1
    assert "the mask of object 2 on frame 0 is damaged\n11 masks on 5 frames" in text
    status, text = sam2s("workspace", "repair", folder, "--json")
    assert json.loads(text)["recovered"]["versions"] == 12
    assert json.loads(sam2s("workspace", "check", folder, "--json")[1])["whole"]
