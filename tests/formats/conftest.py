import pytest

from result_tools import FPS, SIZE
from sam2s.formats.export_info import ExportInfo
from sam2s.workspace import Workspace
from workspace_tools import VIDEO, fill

INDICES = [0, 1, 2, 4, 6]  # frame 2 lacks object 2; there is a gap


@pytest.fixture
def info():
    return ExportInfo("clip", SIZE, FPS, {1: "grasper", 2: "hook"}, "micro")


@pytest.fixture
def store(tmp_path):
    with Workspace.create(tmp_path / "run", VIDEO) as workspace:
        fill(workspace, INDICES)
    with Workspace.open(tmp_path / "run") as workspace:
        yield workspace
