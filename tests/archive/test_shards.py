"""Evaluation in shards, each a job on an engine: the same results as in one process, repeated after a death."""

import contextlib
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from namespace_tools import with_tests_on_path
from sam2s.archive import LocalEngine, WorkerSettings
from sam2s.archive.manifest import JobState, Manifest
from sam2s.archive.shards import FOLDER, evaluate_on, evaluate_shard, shard_jobs
from sam2s.cli import app
from sam2s.errors import ClusterError, OutputError
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.plan import EvalSettings, plan_runs
from sam2s.evaluation.rules import Prompting
from sam2s.synth import Scene
from sam2s.synth.export import write_clip

OPTIONS = {"split": None, "split_file": None, "subsets": [], "void": "auto"}


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


def changed(out):
    """When each result was written, by video."""
    return {path.stem: path.stat().st_mtime_ns for path in out.glob("*/results/**/[!.]*.json")}


@pytest.mark.slow
def test_overwriting_forgets_results_once_and_a_driver_that_is_started_again_does_what_is_left(
    data, tmp_path, monkeypatch
):
    out, drivers = tmp_path / "out", []
    command = ["eval", "--data", str(data), "--method", "copy", "--prompt", "mask", "--out", str(out), "--no-probe"]
    assert CliRunner().invoke(app, command).exit_code == 0
    before = changed(out)

    def supervised(drive, arguments, note):
        """Two drivers, the first of which is lost when two of three shards are done."""
        jobs = arguments[0]
        assert changed(out) == {}, "forgotten before the first driver"

        def lose(state):
            if state.done == 2:
                raise ClusterError("the head is gone")

        for report in (lose, lambda state: None):
            engine = LocalEngine(evaluate_shard, WorkerSettings(device="cpu"), ["cpu"])
            with contextlib.suppress(ClusterError):
                evaluate_on(engine, jobs, out, report)
            with Manifest.read(out / FOLDER) as manifest:
                drivers.append((changed(out), {one.job.name: one for one in manifest.statuses()}))

    monkeypatch.setattr("sam2s.archive.supervisor.supervise", supervised)
    done = CliRunner().invoke(app, [*command, "--engine", "ray", "--workers", "3", "--overwrite"])
    assert done.exit_code == 0, done.output
    (first, lost), (second, ended) = drivers
    assert len(first) >= 2, "the last one may end in the moment of the loss"
    assert {name: second[name] for name in first} == first, "what was finished is not done again"
    assert second.keys() == before.keys()
    assert all(second[name] > before[name] for name in before)
    finished = [name for name, status in lost.items() if status.state is JobState.DONE]
    assert len(finished) == 2
    assert all(ended[name] == lost[name] for name in finished), "not even looked at"
    assert {status.state for status in ended.values()} == {JobState.DONE}


def test_another_command_looks_at_all_shards_again(data, tmp_path):
    runs = plan_runs(["copy"], ["divemem"], [Prompting.MASK], ["micro"])
    out = tmp_path / "out"
    settings = EvalSettings(device="cpu", probe=False)
    jobs = [shard_jobs(1, [str(data)], runs, settings, out, OPTIONS) for _ in range(2)]
    assert len({job.digest() for (job,) in jobs}) == 2
    with Manifest.create(tmp_path, jobs[0]) as manifest:
        manifest.mark_running("shard-0-of-1")
        manifest.mark_done("shard-0-of-1", seconds=1.0, frames=3, place="here")
    for again, state in zip(jobs, (JobState.DONE, JobState.PENDING), strict=True):
        with Manifest.create(tmp_path, again) as manifest:
            assert [status.state for status in manifest.statuses()] == [state]


@pytest.mark.slow
def test_the_command_on_a_cluster_of_its_own_leaves_what_the_command_alone_leaves(data, tmp_path):
    pytest.importorskip("ray")
    command = [sys.executable, "-m", "sam2s", "eval", "--data", "data", "--method", "copy", "--prompt", "mask", "--out"]
    for out, more in (("alone", []), ("ray", ["--engine", "ray"])):
        subprocess.run([*command, out, *more], check=True, cwd=tmp_path, env=with_tests_on_path())
    assert results(tmp_path / "alone") == results(tmp_path / "ray")
    assert list(results(tmp_path / "ray")) == ["v3", "v4", "v5"]
