"""Ray clusters of several nodes on this machine, whose parts can be killed one by one."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

from namespace_tools import with_tests_on_path
from process_tools import descendants

NODE = {"num_cpus": 1, "object_store_memory": 150_000_000}
RECONNECT_SECONDS = "4"
"""How long drivers and nodes wait for a head before they end; a minute by default."""


def start_cluster(monkeypatch, *, nodes: int = 1, port: int | None = None, **head: Any) -> Cluster:
    """A head with one processor, and as many nodes beside it."""
    environment = with_tests_on_path() | {
        "RAY_gcs_rpc_server_reconnect_timeout_s": RECONNECT_SECONDS,
        "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    options = {**NODE, "include_dashboard": False, **head, **({} if port is None else {"gcs_server_port": port})}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    for _ in range(nodes):
        cluster.add_node(**NODE)
    return cluster


def kill_all(cluster: Cluster) -> None:
    """Kill every process of a cluster at once, as a power cut does."""
    for node in cluster.list_all_nodes():
        node.kill_all_processes(check_alive=False, allow_graceful=False)


def kill_node(cluster: Cluster, rng: random.Random) -> None:
    """Kill a node other than the head, with all that runs on it, and let another join."""
    node = rng.choice(sorted(cluster.worker_nodes, key=lambda each: each.unique_id))
    cluster.remove_node(node, allow_graceful=False)
    cluster.add_node(**NODE)


def kill_worker(cluster: Cluster, rng: random.Random) -> bool:
    """Kill a process that tracks, on any node; False where none does now."""
    raylets = [node.all_processes["raylet"][0].process.pid for node in cluster.list_all_nodes()]
    workers = [pid for raylet in raylets for pid in descendants(raylet) if "ray::ArchiveWorker" in _title(pid)]
    if not workers:
        return False
    os.kill(rng.choice(sorted(workers)), signal.SIGKILL)
    return True


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""
