"""How much memory was taken."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import torch


def forget_peak(device: torch.device) -> None:
    """Let `peak_mib` count from here on, where the system can: on CUDA, and for the process on Linux."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):  # another system, or one that does not let us
        Path("/proc/self/clear_refs").write_text("5")


def peak_mib(device: torch.device) -> int:
    """Most memory used so far, in MiB: what torch took of a CUDA device or holds of an Apple GPU, else the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) >> 20
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() >> 20  # torch keeps what it once took
    if most := _status("VmHWM"):  # getrusage would pass on the peak of whoever started us
        return most >> 20
    import resource  # not on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most >> 20 if sys.platform == "darwin" else most >> 10


def resident() -> int:
    """Resident memory of this process now, in bytes (0 where the system does not tell)."""
    return _status("VmRSS")


def _status(field: str) -> int:
    """Bytes that Linux states under this name; 0 elsewhere."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
