"""What is told of memory belongs to the process, and to the device, that is measured."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sam2s.bench.memory import forget_peak, peak_mib, resident
from sam2s.bench.stages import now

CPU = torch.device("cpu")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the peaks of processes apart")


@on_linux
def test_the_peak_of_the_parent_is_not_ours():
    fat = np.ones(2**26)  # 512 MiB
    ask = "import torch; from sam2s.bench.memory import peak_mib; print(peak_mib(torch.device('cpu')))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert 50 < int(done.stdout) < 512 < peak_mib(CPU)
    del fat


@on_linux
def test_a_peak_can_be_forgotten():
    fat = np.ones(2**26)
    del fat
    before = peak_mib(CPU)
    forget_peak(CPU)
    assert resident() >> 20 <= peak_mib(CPU) < before - 400


def test_an_apple_gpu_is_waited_for_and_asked_for_its_memory(monkeypatch):
    mps, waited = torch.device("mps"), []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append(True))
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 5 << 20)
    now(SimpleNamespace(device=mps))
    assert waited == [True]
    assert peak_mib(mps) == 5
