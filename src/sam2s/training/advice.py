"""Which recipe for fine-tuning on one's own videos suits a machine."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sam2s.device import resolve_device

AUTO = "auto"
"""The name under which `sam2s train` takes what is advised here."""

ROOMY_GIB = 20
"""Memory of a GPU from which activations need not be computed twice."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A recipe, what to change of it, and why.

    Attributes:
        recipe: name of a recipe of the package.
        overrides: changes, as for `--set`.
        reason: a sentence for people.
    """

    recipe: str
    overrides: tuple[str, ...]
    reason: str


def advise(device: str = "auto") -> Advice:
    """Choose a recipe by what there is to compute on.

    Raises:
        ConfigError: the device is not there.
    """
    where = resolve_device(device)
    if where.type == "cuda":
        return _for_gpu(torch.cuda.get_device_properties(where).total_memory / 2**30)
    fast = where.type == "cpu" and has_fast_bf16()
    name = "a processor" if where.type == "cpu" else "an Apple GPU"
    precision = "bf16, which it has instructions for" if fast else "fp32, since it has no instructions for bf16"
    return Advice(
        "your-data-laptop",
        (f"run.precision={'bf16' if fast else 'fp32'}",),
        f"micro at 256 pixels on {name}, in {precision}",
    )


def has_fast_bf16() -> bool:
    """Whether this processor multiplies bf16 in hardware (AVX512-BF16 or AMX)."""
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)


def _for_gpu(gib: float) -> Advice:
    twice = gib < ROOMY_GIB
    how = "computing activations twice to save memory" if twice else "keeping all activations"
    return Advice(
        "your-data",
        (f"run.activation_checkpointing={'true' if twice else 'false'}",),
        f"sam2.1-small at 512 pixels on a GPU of {gib:.0f} GiB, {how}",
    )
