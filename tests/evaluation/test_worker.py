"""Faults of trackers and videos, one video at a time."""

import json

import numpy as np
import pytest

from evaluation_tools import write_sequence
from sam2s.errors import OutputError
from sam2s.evaluation.collect import collect
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.result_files import result_path
from sam2s.evaluation.rules import Prompting, Rules
from sam2s.masks.palette import read_label_map
from sam2s.processes import locked

TRACKERS = """
import numpy as np

class Short:
    def track(self, frames, starts):
        yield {}

class Small:
    def track(self, frames, starts):
        for frame in frames:
            yield {i: np.ones((3, 4), bool) for i in starts}

class Early:
    def track(self, frames, starts):
        for frame in frames:
            yield {i: np.ones(start.mask.shape, bool) for i, start in starts.items()}

class Unknown:
    def track(self, frames, starts):
        for frame in frames:
            yield {99: np.ones((40, 56), bool)}
"""


@pytest.fixture
def videos(tmp_path, monkeypatch):
    (tmp_path / "faulty.py").write_text(TRACKERS)
    monkeypatch.chdir(tmp_path)
    write_sequence(tmp_path / "data/a/one")
    return open_videos([str(tmp_path / "data")])


def track(videos, out, name, **settings):
    run = EvalRun(name, f"faulty:{name}" if name != "copy" else "copy", Prompting.MASK)
    evaluate(videos, [run], EvalSettings(**settings), out)
    return run, collect(out, run, videos, Rules())


def test_too_few_frames(videos, tmp_path):
    _, found = track(videos, tmp_path / "out", "Short")
    assert found.missing == {"a/one": "faulty:Short gave masks of 1 frames; a/one has 6"}
    assert not list((tmp_path / "out").rglob("*.png"))


def test_masks_of_another_size(videos, tmp_path):
    _, found = track(videos, tmp_path / "out", "Small")
    assert found.missing == {"a/one": "a/one, frame 000, object 1: mask of 4x3, frame of 56x40"}


def test_masks_before_an_object_begins_do_not_count(videos, tmp_path):
    run, _ = track(videos, tmp_path / "out", "Early")
    shown = [np.unique(read_label_map(tmp_path / "out" / run.folder / f"masks/a/one/00{t}.png")) for t in range(6)]
    assert [ids.tolist() for ids in shown] == [[1]] * 6  # object 2 begins on frame 2, and 1 lies before it
    scores = json.loads(result_path(tmp_path / "out", run, "a/one").read_text())["frame_scores"]
    assert [frame["2"][3] for frame in scores] == [False, False, True, True, True, True]


def test_objects_that_were_not_asked_for_are_left_out(videos, tmp_path):
    run, found = track(videos, tmp_path / "out", "Unknown")
    assert found.missing == {}
    assert all(score.mean_j == 0 for score in found.scores)
    assert not any(read_label_map(path).any() for path in (tmp_path / "out" / run.folder).rglob("*.png"))


def test_ids_that_no_picture_can_hold(tmp_path):
    folder = write_sequence(tmp_path / "data/a/one")
    from PIL import Image

    for path in (folder / "masks").iterdir():
        Image.fromarray(read_label_map(path).astype(np.uint16) * 300).save(path)
    videos = open_videos([str(tmp_path / "data")])
    run = EvalRun("copy", "copy", Prompting.MASK)
    evaluate(videos, [run], EvalSettings(), tmp_path / "out")
    missing = collect(tmp_path / "out", run, videos, Rules()).missing
    assert missing == {"a/one": "a/one has an object 300; masks are written with ids up to 255"}


def test_a_damaged_result_is_made_again(videos, tmp_path):
    run, _ = track(videos, tmp_path / "out", "copy")
    path = result_path(tmp_path / "out", run, "a/one")
    whole = json.loads(path.read_text())
    path.write_text("{")
    track(videos, tmp_path / "out", "copy")
    assert json.loads(path.read_text())["frame_scores"] == whole["frame_scores"]


def test_overwriting_does_it_again_and_nothing_else_does(videos, tmp_path):
    run, _ = track(videos, tmp_path / "out", "copy")
    path = result_path(tmp_path / "out", run, "a/one")
    before = path.stat().st_mtime_ns
    evaluate(videos, [run], EvalSettings(), tmp_path / "out")
    assert path.stat().st_mtime_ns == before
    evaluate(videos, [run], EvalSettings(), tmp_path / "out", overwrite=True)
    assert path.stat().st_mtime_ns > before


def test_no_probe_where_none_is_wanted(videos, tmp_path):
    _, found = track(videos, tmp_path / "out", "copy", probe=False)
    assert found.diagnostics.probes == {}


def test_one_row_is_written_by_one_process(videos, tmp_path):
    """Another row, or another part of the same one, may be written at the same time."""
    run = EvalRun("copy", "copy", Prompting.MASK)
    with locked(tmp_path / "out/.locks" / "copy-mask 0 of 1"):
        with pytest.raises(OutputError, match="is writing it; wait for it, or choose another --out"):
            evaluate(videos, [run], EvalSettings(), tmp_path / "out")
        evaluate(videos, [EvalRun("other", "copy", Prompting.MASK)], EvalSettings(), tmp_path / "out")
        evaluate(videos, [run], EvalSettings(), tmp_path / "out", shard=(0, 2))
    assert not collect(tmp_path / "out", run, videos, Rules()).missing


@pytest.mark.parametrize(("names", "probes"), [(("a/one",), {"black"}), (("a/one", "a/two"), {"black", "other"})])
def test_another_scene_is_another_video_where_there_is_one(names, probes, tmp_path):
    for number, name in enumerate(names):
        write_sequence(tmp_path / "data" / name, seed=number)
    videos = open_videos([str(tmp_path / "data")])
    run = EvalRun("copy", "copy", Prompting.MASK)
    evaluate(videos, [run], EvalSettings(), tmp_path / "out")
    assert set(collect(tmp_path / "out", run, videos, Rules()).diagnostics.probes) == probes
