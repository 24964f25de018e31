"""Masks of any other tracker give the same figures, once they are imported."""

from contextlib import closing

import pytest

from analysis_tools import bar, write_video, write_workspace
from sam2s.analysis import AnalysisSettings, analyze
from sam2s.formats.export import write_exports
from sam2s.formats.imports import import_masks
from sam2s.video import open_source
from sam2s.workspace import VideoIdentity, Workspace

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("form", ["coco", "jsonl"])
def test_imported_masks_give_identical_figures(tmp_path, form):
    video = write_video(tmp_path / "op.mp4", 40)
    masks = [{1: bar(40 + t, 30), 2: bar(100 - t, 34) if t > 10 else None} for t in range(40)]
    ours = write_workspace(tmp_path / "ours", masks, {1: "grasper", 2: "hook"}, video=str(video))
    with Workspace.open(ours) as workspace:
        (file,) = write_exports(workspace, None, [form], folder=tmp_path / "exports").values()
    with (
        closing(open_source(str(video))) as source,
        Workspace.create(tmp_path / "theirs", VideoIdentity.of(source)) as w,
    ):
        import_masks(w, file, form=form)
    first, second = analyze([ours, tmp_path / "theirs"], tmp_path / "report", AnalysisSettings(pictures=False))
    mine, other = first.to_json(), second.to_json()
    assert mine["objects"] == other["objects"]
    assert mine["pairs"] == other["pairs"]
    assert mine["objects"][0]["tip"]["path"] > 30
