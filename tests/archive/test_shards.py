"""Evaluation in shards, each a job on an engine: the same results as in one process, repeated after a death."""

import json
import subprocess
import sys

import pytest

from namespace_tools import with_tests_on_path
from sam2s.archive import LocalEngine, WorkerSettings
from sam2s.archive.shards import evaluate_on, evaluate_shard, shard_jobs
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
    """Scores of every frame, by video; empty where nothing was evaluated, so look that it is not."""
    return {path.stem: json.loads(path.read_text())["frame_scores"] for path in sorted(out.glob("*/results/**/*.json"))}


def test_shards_leave_what_one_process_leaves(data, tmp_path, monkeypatch):
    from sam2s.evaluation.datasets import open_videos

    runs = plan_runs(["copy"], ["divemem"], [Prompting.MASK], ["micro"])
    settings = EvalSettings(device="cpu", probe=False)
    evaluate(open_videos([str(data)]), runs, settings, tmp_path / "one")
    out = tmp_path / "shards"
    engine = LocalEngine(evaluate_shard, WorkerSettings(device="cpu"), ["cpu"])
    monkeypatch.chdir(tmp_path)
    jobs = shard_jobs(2, ["data"], runs, settings, out, OPTIONS)
    monkeypatch.chdir("/")  # workers may be started anywhere
    evaluate_on(engine, jobs, out)
    one, several = (sorted(p.relative_to(o) for p in o.rglob("*.png")) for o in (tmp_path / "one", out))
    assert one == several
    assert len(one) > 0
    assert results(tmp_path / "one") == results(out)
    assert list(results(out)) == ["v3", "v4", "v5"]


def test_a_shard_that_cannot_be_done_is_named(tmp_path):
    runs = plan_runs(["copy"], ["divemem"], [Prompting.MASK], ["micro"])
    out = tmp_path / "out"
    engine = LocalEngine(evaluate_shard, WorkerSettings(device="cpu"), ["cpu"])
    jobs = shard_jobs(1, [str(tmp_path / "absent")], runs, EvalSettings(device="cpu"), out, OPTIONS)
    with pytest.raises(OutputError, match=r"shard-0-of-1 failed: .*absent"):
        evaluate_on(engine, jobs, out)


@pytest.mark.slow
def test_the_command_on_a_cluster_of_its_own_leaves_what_the_command_alone_leaves(data, tmp_path):
    pytest.importorskip("ray")
    command = [sys.executable, "-m", "sam2s", "eval", "--data", "data", "--method", "copy", "--prompt", "mask", "--out"]
    for out, more in (("alone", []), ("ray", ["--engine", "ray"])):
        subprocess.run([*command, out, *more], check=True, cwd=tmp_path, env=with_tests_on_path())
    assert results(tmp_path / "alone") == results(tmp_path / "ray")
    assert list(results(tmp_path / "ray")) == ["v3", "v4", "v5"]
