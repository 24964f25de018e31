"""Whole runs on DICOM recordings, and that nothing of them names anybody."""

import io
import logging

import numpy as np
import pydicom
import pytest

from dicom_tools import name_persons, save, stream, video_file
from runs_tools import masks
from sam2s.formats.outputs import KINDS
from sam2s.formats.prompts_file import parse_box
from sam2s.runs import RunSettings, run
from sam2s.runs.exports import export_workspace
from sam2s.workspace import Workspace

KEPT = [kind for kind in KINDS if kind not in ("dicom-seg", "dicom-sc")]


@pytest.fixture
def named(tmp_path):
    """A recording full of names, and what must not turn up."""
    path = video_file(tmp_path / "case.dcm", count=5, FrameTime="40")
    made = pydicom.dcmread(path)
    texts = name_persons(made)
    return save(made, path), texts


def settings(video, out, **values):
    return RunSettings(str(video), out, prompts=[parse_box("1=grasper@0:10,10,60,50")], **values)


def test_a_recording_is_tracked_as_its_stream_is(tmp_path, named):
    path, _ = named
    bare = tmp_path / "bare.mp4"
    bare.write_bytes(stream("h264 in mp4", 5))
    for video in (path, bare):
        run(settings(video, tmp_path / video.stem, exports=("csv",)))
    assert masks(tmp_path / "case") == masks(tmp_path / "bare")
    with Workspace.open(tmp_path / "case") as workspace:
        assert [str(record.pts) for record in workspace.frames()] == ["0", "1/25", "2/25", "3/25", "4/25"]


def test_no_name_reaches_a_workspace_an_export_or_a_log(tmp_path, named, capfd):
    path, texts = named
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        outcome = run(settings(path, tmp_path / "out", exports=tuple(KINDS)))
        export_workspace(tmp_path / "out", list(KINDS), folder=tmp_path / "again")
    finally:
        logging.getLogger().setLevel(before)
        logging.getLogger().removeHandler(handler)
    assert set(KINDS) <= set(outcome.outputs)
    said = log.getvalue() + "".join(capfd.readouterr())
    assert not [text for text in texts if text in said]
    files = [file for folder in ("out", "again") for file in (tmp_path / folder).rglob("*") if file.is_file()]
    assert len(files) > 2 * len(KINDS)
    found = [(file.name, text) for file in files for text in texts if text.encode() in file.read_bytes()]
    assert found == []
    made = pydicom.dcmread(tmp_path / "out" / "segmentation.dcm")
    assert not [element for element in made.iterall() if element.VR == "PN" and element.value]
    assert np.count_nonzero(made.pixel_array)
