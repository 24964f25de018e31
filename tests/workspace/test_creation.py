"""Emptying a workspace."""

import pytest

from result_tools import SIZE
from sam2s.errors import WorkspaceInUseError
from sam2s.workspace import (
    VideoIdentity,
    Workspace,
)
from workspace_tools import VIDEO, fill


def test_overwriting_empties_it_and_touches_no_other_file(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, range(3))
    other = VideoIdentity("other", "x", SIZE)
    with Workspace.create(tmp_path, other, overwrite=True) as workspace:
        assert (workspace.events(), workspace.objects(), list(workspace.frames())) == ([], [], [])
        assert workspace.video == other
        with pytest.raises(WorkspaceInUseError):
            Workspace.create(tmp_path, VIDEO, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
