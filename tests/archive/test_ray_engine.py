"""The same archive on a Ray cluster of several nodes on this machine: equal results, and no work lost with a node."""

import threading
import time
from pathlib import Path

import pytest

from archive_tools import expected, job, read_result, work
from sam2s.archive import Manifest, RetryPolicy, WorkerSettings, run_archive

ray = pytest.importorskip("ray")
from ray.cluster_utils import Cluster  # noqa: E402

from sam2s.archive.ray_engine import RayEngine, RayResources  # noqa: E402

QUICK = RetryPolicy(first_pause=0.05, longest_pause=0.2)


@pytest.fixture(scope="module")
def cluster():
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=":")  # workers import `archive_tools`
    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": 150_000_000, "include_dashboard": False},
    )
    made.add_node(num_cpus=1, object_store_memory=150_000_000)
    made.wait_for_nodes()
    yield made
    made.shutdown()
    patch.undo()


def run(cluster, out, jobs, *, during=None, **options):
    with Manifest.create(out, jobs) as manifest:
        engine = RayEngine(work, WorkerSettings(), RayResources(cpus=1), address=cluster.address)
        if during is not None:
            threading.Thread(target=during, daemon=True).start()
        progress = run_archive(manifest, engine, out, policy=QUICK, **options)
        return progress, {status.job.name: status for status in manifest.statuses()}


def test_an_archive_runs_on_a_cluster_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=":")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    jobs = [job("a"), job("bad", video="unreadable"), job("b")]
    with Manifest.create(tmp_path, jobs) as manifest:
        engine = RayEngine(work, WorkerSettings(), RayResources(cpus=1, max_workers=1))
        run_archive(manifest, engine, tmp_path, policy=QUICK)
        statuses = {status.job.name: status for status in manifest.statuses()}
    assert {name: status.state for name, status in statuses.items()} == {"a": "done", "bad": "failed", "b": "done"}
    assert read_result(tmp_path, "a") == read_result(tmp_path, "b") == expected()
    assert not ray.is_initialized()


@pytest.mark.slow
def test_faults_of_every_kind_end_as_on_one_machine(cluster, tmp_path):
    jobs = [
        job("good"),
        job("bad", video="unreadable"),
        job("once", video="dies once"),
        job("gpu", video="broken device"),
        job("stuck", video="hangs"),
        job("stuck hard", video="hangs at once"),
    ]
    _, statuses = run(cluster, tmp_path, jobs, stall_seconds=4.0)
    assert {name: status.state for name, status in statuses.items()} == {
        "good": "done",
        "bad": "failed",
        "once": "done",
        "gpu": "done",
        "stuck": "failed",
        "stuck hard": "failed",
    }
    assert statuses["bad"].reason == "cannot open unreadable.mp4: no such file"
    assert (statuses["once"].attempts, statuses["gpu"].attempts) == (2, 2)
    assert statuses["stuck"].fault == statuses["stuck hard"].fault == "no progress"
    for name in ("good", "once", "gpu"):
        assert read_result(tmp_path, name) == expected()
        assert (tmp_path / name / "writes.txt").read_text().count("\n") == 1


@pytest.mark.slow
def test_a_node_that_is_lost_takes_no_work_along(cluster, tmp_path):
    node = cluster.add_node(num_cpus=1, object_store_memory=150_000_000)
    cluster.wait_for_nodes()
    jobs = [job(str(i), video="slow") for i in range(24)]

    def lose():
        time.sleep(3)
        cluster.remove_node(node)

    progress, statuses = run(cluster, tmp_path, jobs, during=lose)
    assert progress.done == 24
    assert all(read_result(tmp_path, name) == expected() for name in statuses)
    assert all((tmp_path / name / "writes.txt").read_text().count("\n") == 1 for name in statuses)


@pytest.mark.slow
def test_no_more_videos_are_in_flight_than_workers_and_a_few(cluster, tmp_path):
    seen = []
    jobs = [job(str(i), video="slow") for i in range(12)]
    run(cluster, tmp_path, jobs, report_progress=lambda p: seen.append(len(p.running)))
    assert max(seen) <= 2  # one processor on each of two nodes
