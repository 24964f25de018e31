"""Naming what a measurement was made on."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def hardware(device: torch.device) -> str:
    """The processor or accelerator, threads, and the build of torch, in words."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    threads = torch.get_num_threads()
    chip = f"Apple GPU of {name}" if device.type == "mps" else f"{name} ({threads} thread{'s' * (threads > 1)})"
    return f"{chip}, torch {torch.__version__}"
