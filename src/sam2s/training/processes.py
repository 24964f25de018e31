"""The processes of a run, as torchrun starts them; one process without it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from sam2s.device import resolve_device
from sam2s.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all of them.

    Attributes:
        rank: its number; process 0 writes everything.
        world: how many there are, on all machines.
        device: what it computes on.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def sum(self, *values: float) -> list[float]:
        """Each value summed over all processes."""
        if self.world == 1:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return sums.tolist()

    def gather(self, value: Any) -> list[Any]:
        """A picklable value of every process, by rank."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value)
        return found


@contextmanager
def joined(device: str = "auto") -> Iterator[Processes]:
    """Join the processes that torchrun started: NCCL on CUDA devices, one a process, else gloo on CPUs.

    Raises:
        ConfigError: there are more processes on this machine than CUDA devices, or the device is not there.
    """
    rank, world, local, here = (int(os.environ.get(name, default)) for name, default in _VARIABLES)
    if world == 1:
        yield Processes(0, 1, resolve_device(device))
        return
    where = resolve_device("auto" if device == "auto" else device.partition(":")[0])
    if where.type == "cuda":
        if here > torch.cuda.device_count():
            raise ConfigError(
                f"torchrun started {here} processes, but torch sees {torch.cuda.device_count()} CUDA devices on this "
                f"machine; use --nproc-per-node {torch.cuda.device_count()}, or --device cpu"
            )
        where = torch.device("cuda", local)
        torch.cuda.set_device(where)
    else:
        where = torch.device("cpu")
    # The others wait at their first exchange while process 0 looks at all files, which takes long where there are many.
    dist.init_process_group("nccl" if where.type == "cuda" else "gloo", timeout=timedelta(hours=2))
    try:
        yield Processes(rank, world, where)
    finally:
        dist.destroy_process_group()


_VARIABLES = (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0), ("LOCAL_WORLD_SIZE", 1))
