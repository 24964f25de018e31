"""Choosing device and precision."""

import pytest
import torch

from sam2s import device
from sam2s.device import MACS_A_THREAD, resolve_device, resolve_precision, use_threads
from sam2s.errors import ConfigError

CPU = torch.device("cpu")


def test_auto_takes_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto") == CPU
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "device 'gpu' is not one of auto, cpu, cuda, cuda:N, mps"),
        ("meta", "device 'meta' is not supported"),
        ("cuda:99", "device 'cuda:99' is not there: torch sees .* CUDA devices; use --device cpu or auto"),
    ],
)
def test_devices_that_are_not_there(device, message):
    with pytest.raises(ConfigError, match=message):
        resolve_device(device)


def test_precisions():
    assert resolve_precision("auto", CPU) == torch.float32
    assert resolve_precision("fp32", CPU) == torch.float32
    assert resolve_precision("bf16", CPU) == resolve_precision("bfloat16", CPU) == torch.bfloat16
    with pytest.raises(ConfigError, match="precision 'int8' is not one of auto, fp32, bf16, fp16"):
        resolve_precision("int8", CPU)


def test_precision_that_the_device_cannot_compute_in(monkeypatch):
    def refuse(*args, **kwargs):
        raise TypeError("BFloat16 is not supported on MPS")

    monkeypatch.setattr(torch, "ones", refuse)
    with pytest.raises(ConfigError, match=r"cpu cannot compute in bfloat16 \(BFloat16 .*\); use --precision fp32"):
        resolve_precision("bf16", CPU)


@pytest.fixture
def eight_cores(monkeypatch):
    """A process in which torch stands at eight threads that nobody asked for."""
    count = [8]
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(device, "_DEFAULT", 8)
    monkeypatch.setattr(device, "_chosen", None)
    monkeypatch.setattr(torch, "get_num_threads", lambda: count[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda number: count.__setitem__(0, number))
    return count


def test_threads_follow_the_size_of_the_network(eight_cores):
    assert use_threads(0.2 * MACS_A_THREAD) == eight_cores[0] == 1
    assert use_threads(3.5 * MACS_A_THREAD) == eight_cores[0] == 3  # a larger network after a small one
    assert use_threads(100 * MACS_A_THREAD) == eight_cores[0] == 8


def test_threads_that_were_asked_for_stay(eight_cores, monkeypatch):
    eight_cores[0] = 5
    assert use_threads(0) == eight_cores[0] == 5
    assert use_threads(0, threads=2) == eight_cores[0] == 2
    eight_cores[0] = 8
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert use_threads(0) == eight_cores[0] == 8
    with pytest.raises(ConfigError, match="--threads 0 is too few"):
        use_threads(0, threads=0)
