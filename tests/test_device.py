"""Choosing device and precision."""

import pytest
import torch

from sam2s.device import resolve_device, resolve_precision
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
