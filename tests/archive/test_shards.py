"""Evaluation in shards, each a job on an engine: the same results as in one process, repeated after a death."""

import json

import pytest

from sam2s.archive import LocalEngine, WorkerSettings
from sam2s.archive.shards import FOLDER, evaluate_on, evaluate_shard, shard_jobs
from sam2s.errors import OutputError
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.plan import EvalSettings, plan_runs
from sam2s.evaluation.rules import Prompting
from sam2s.synth import Scene
from sam2s.synth.export import write_clip

OPTIONS = {"split": None, "split_file": None, "subsets": [], "void": "auto", "overwrite": False}


@pytest.fixture
def data(tmp_path):
    """Three sequences in the DAVIS layout."""
    folder = tmp_path / "data"
    for seed in (3, 4, 5):
        clip = tmp_path / f"clip{seed}"
        write_clip(Scene(seed, 64, 6, drift=0.0), clip, frames=True)
        for kind, source in (("JPEGImages", "frames"), ("Annotations", "masks")):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            (clip / source).rename(folder / kind / f"v{seed}")
    return folder


def results(out):
    return {
        str(path.relative_to(out)): json.loads(path.read_text())["objects"]
        for path in sorted(out.rglob("*.json"))
        if FOLDER not in path.parts and "objects" in json.loads(path.read_text())
    }


def test_shards_leave_what_one_process_leaves(data, tmp_path):
    from sam2s.evaluation.datasets import open_videos

    runs = plan_runs(["copy"], ["divemem"], [Prompting.MASK], ["micro"])
    settings = EvalSettings(device="cpu", probe=False)
    evaluate(open_videos([str(data)]), runs, settings, tmp_path / "one")
    out = tmp_path / "shards"
    engine = LocalEngine(evaluate_shard, WorkerSettings(device="cpu"), ["cpu"])
    evaluate_on(engine, shard_jobs(2, [str(data)], runs, settings, out, OPTIONS), out)
    one, several = (sorted(p.relative_to(o) for p in o.rglob("*.png")) for o in (tmp_path / "one", out))
    assert one == several
    assert len(one) > 0
    assert results(tmp_path / "one") == results(out)


def test_a_shard_that_cannot_be_done_is_named(tmp_path):
    runs = plan_runs(["copy"], ["divemem"], [Prompting.MASK], ["micro"])
    out = tmp_path / "out"
    engine = LocalEngine(evaluate_shard, WorkerSettings(device="cpu"), ["cpu"])
    jobs = shard_jobs(1, [str(tmp_path / "absent")], runs, EvalSettings(device="cpu"), out, OPTIONS)
    with pytest.raises(OutputError, match=r"shard-0-of-1 failed: .*absent"):
        evaluate_on(engine, jobs, out)
