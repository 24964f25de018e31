"""What befalls a whole Ray cluster, its head included; shares of devices, hidden devices, where objects spill to."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("ray")
import ray

from archive_tools import contents, environment_work, job
from cluster_tools import kill_all, kill_node, kill_worker, start_cluster
from namespace_tools import with_tests_on_path
from process_tools import descendants
from sam2s.archive import JobState, Manifest, WorkerSettings, run_archive
from sam2s.archive.ray_engine import OBJECT_STORE_BYTES, RayEngine, RayResources

pytestmark = pytest.mark.slow


@pytest.fixture
def patch():
    with pytest.MonkeyPatch.context() as patched:
        yield patched


def until(condition, seconds=120):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.1)


def done(out):
    if not (out / "archive.sqlite").is_file():
        return 0
    with Manifest.read(out) as manifest:
        return sum(status.state is JobState.DONE for status in manifest.statuses())


def test_the_archive_goes_on_by_itself_after_the_head_was_restarted(make_archive, tmp_path, patch):
    jobs, out = make_archive(8, frames=60), tmp_path / "out"
    cluster = start_cluster(patch)
    command = [sys.executable, "-m", "sam2s", "archive", "run", str(jobs), "--device", "cpu"]
    driver = subprocess.Popen(
        [*command, "--out", str(out), "--engine", "ray", "--address", cluster.address],
        env=with_tests_on_path() | {"RAY_gcs_rpc_server_reconnect_timeout_s": "4"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: done(out) >= 2)
        kill_all(cluster)
        assert done(out) < 8
        time.sleep(8)
        cluster = start_cluster(patch, port=int(cluster.address.rpartition(":")[2]))
        assert driver.wait(200) == 0, driver.stderr.read()
    finally:
        driver.kill()
        cluster.shutdown()
    assert "the Ray cluster was lost" in driver.stderr.read()
    subprocess.run([*command, "--out", str(tmp_path / "plain")], check=True, env=with_tests_on_path())
    assert contents(out) == contents(tmp_path / "plain")


def seen_by_workers(out, resources, together):
    """What each of so many workers at once sees of devices, as written by `environment_work`."""
    with Manifest.create(out, [job(str(i), together=together) for i in range(together)]) as manifest:
        engine = RayEngine(environment_work, WorkerSettings(), resources, address="auto")
        room = engine.workers
        run_archive(manifest, engine, out)
        assert {status.frames for status in manifest.statuses()} == {together}, "they did not run at once"
    return room, [json.loads(path.read_text()) for path in sorted(out.glob("*/sees.json"))]


def test_workers_share_a_device_by_fractions_and_see_none_where_they_have_none(tmp_path, patch):
    patch.setenv("CUDA_VISIBLE_DEVICES", "0")  # as on a machine with a device; Ray believes what it is told of it
    cluster = start_cluster(patch, nodes=0, num_cpus=4, num_gpus=1)
    patch.setenv("RAY_ADDRESS", cluster.address)
    try:
        room, seen = seen_by_workers(tmp_path / "halves", RayResources(gpus=0.5), 2)
        assert room == 2  # of four processors; the device has room for two
        assert [(one["visible"], one["device"]) for one in seen] == [("0", "cuda:0")] * 2
        assert seen[0]["pid"] != seen[1]["pid"]
        ray.shutdown()
        room, seen = seen_by_workers(tmp_path / "none", RayResources(max_workers=2), 2)
        assert (room, [(one["visible"], one["device"]) for one in seen]) == (2, [("", "cpu")] * 2)
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_a_cluster_of_our_own_is_small_and_spills_where_it_is_told(tmp_path, patch):
    patch.setenv("RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE", "1")
    patch.delenv("RAY_ADDRESS", raising=False)
    engine = RayEngine(environment_work, WorkerSettings(), RayResources(), spill=tmp_path / "spill")
    try:
        assert ray.cluster_resources()["object_store_memory"] <= OBJECT_STORE_BYTES
        kept = [ray.put(np.full(60_000_000, value, np.uint8)) for value in range(4)]  # more than fits
        until(lambda: any(path.is_file() for path in (tmp_path / "spill").rglob("*")))
        assert [int(ray.get(reference)[-1]) for reference in kept] == [0, 1, 2, 3]
    finally:
        engine.close()
    assert not ray.is_initialized()


def test_fifty_kills_of_workers_nodes_and_drivers_change_nothing(make_archive, tmp_path, patch):
    jobs = make_archive(30)
    command = [sys.executable, "-m", "sam2s", "archive", "run", str(jobs), "--device", "cpu", "--out"]
    subprocess.run([*command, str(tmp_path / "plain")], check=True, env=with_tests_on_path())
    expected = contents(tmp_path / "plain")
    cluster, rng, kills, rounds = start_cluster(patch, nodes=2), random.Random(1), Counter(), 0
    on_cluster = ["--engine", "ray", "--address", cluster.address]
    try:
        while kills.total() < 50:
            out = tmp_path / f"killed-{rounds}"
            driver = subprocess.Popen([*command, str(out), *on_cluster], env=with_tests_on_path())
            while driver.poll() is None and kills.total() < 50:
                time.sleep(rng.uniform(0.5, 3.0))
                what = rng.choice(["worker", "worker", "node", "driver"])
                if what == "worker":
                    kills[what] += kill_worker(cluster, rng)
                elif what == "node":
                    kill_node(cluster, rng)
                    kills[what] += 1
                elif driver.poll() is None:
                    os.kill(rng.choice([driver.pid, *descendants(driver.pid)]), signal.SIGKILL)
                    kills[what] += 1
            if driver.poll() == 0:
                assert contents(out) == expected
                rounds += 1
            driver.kill()
            driver.wait()
        subprocess.run([*command, str(out), *on_cluster], env=with_tests_on_path(), check=True)
        assert contents(out) == expected
        assert min(kills[what] for what in ("worker", "node", "driver")) >= 5, kills
    finally:
        cluster.shutdown()
