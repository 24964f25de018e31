"""The scripts of the docs that train over machines, run with two processes as they stand on the page."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from namespace_tools import with_tests_on_path

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs/how-to/train.md"
SHORT = ["--set", "data.clips.size=64", "--set", "schedule.length=2 steps", "--set", "data.workers=0"]


def script(tmp_path, name):
    """A file of the page."""
    (code,) = re.findall(rf'^```\w+ title="{re.escape(name)}"\n(.*?)^```', PAGE.read_text("utf-8"), re.M | re.S)
    (tmp_path / name).write_text(code)
    return str(tmp_path / name)


def commands(tmp_path, **bodies):
    """A folder with commands that stand in for those of a cluster, and `torchrun` of this environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    bodies["torchrun"] = f'exec "{sys.executable}" -m torch.distributed.run "$@"'
    for name, body in bodies.items():
        (folder / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (folder / name).chmod(0o755)
    return {**with_tests_on_path(), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def check_run(folder):
    """Two processes made two steps together: they share the clips of a step."""
    steps = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [step["step"] for step in steps if "loss" in step] == [1, 2]
    assert (folder / "weights.safetensors").is_file()


def test_slurm(tmp_path):
    """`srun` runs a command once a node; here both nodes are this machine."""
    each = f'for node in $(seq "$SLURM_JOB_NUM_NODES"); do echo $node >> {tmp_path}/started; "$@" & pids+=($!); done'
    environment = commands(
        tmp_path,
        scontrol='[ "$*" = "show hostnames nodes[1-2]" ] && printf "localhost\nlocalhost\n"',
        srun=f"set -e; {each}; for pid in ${{pids[@]}}; do wait $pid; done",
    )
    environment |= {"SLURM_JOB_ID": "4711", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_NODELIST": "nodes[1-2]"}
    out = tmp_path / "run"
    words = ["bash", script(tmp_path, "train.slurm"), "micro", "--out", str(out), *SHORT]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "started").read_text().split() == ["1", "2"]
    check_run(out)


def test_ray(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    from cluster_tools import start_cluster

    cluster = start_cluster(monkeypatch)
    out = tmp_path / "run"
    words = [sys.executable, script(tmp_path, "train_on_ray.py"), "2", "0", "micro", "--out", str(out), *SHORT]
    try:
        environment = {**commands(tmp_path), "RAY_ADDRESS": cluster.address}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    finally:
        cluster.shutdown()
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    check_run(out)
