"""Tracking runs in the database."""

import pytest

from sam2s.errors import WorkspaceError
from sam2s.workspace import (
    RunState,
    Workspace,
)
from workspace_tools import VIDEO


def test_runs_are_noted(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        run = workspace.runs.begin({"stride": 2}, "micro", "f00d")
        assert (run.state, run.frames, run.ended) == (RunState.TRACKING, 0, None)
        assert [event.run_id for event in workspace.events()] == [run.run_id]
        workspace.runs.save(run.run_id, RunState.FINISHED, 12)
        (again,) = workspace.runs.all()
        assert (again.state, again.frames, again.settings, again.weights_hash) == (
            "finished",
            12,
            {"stride": 2},
            "f00d",
        )
        assert again.ended is not None
        with pytest.raises(WorkspaceError, match="there is no run 7"):
            workspace.runs.get(7)
