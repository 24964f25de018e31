"""Which faults pass by themselves and are tried again, and which last."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from sam2s.errors import (
    CheckpointError,
    ConfigError,
    DatasetError,
    HandWorkError,
    MissingExtraError,
    OutputError,
    PromptError,
    SourceError,
)

LASTING = (SourceError, PromptError, CheckpointError, ConfigError, DatasetError, MissingExtraError, HandWorkError)
"""Errors that come again however often the same job is done: something of the user's must be mended first."""

PATIENCE = {"worker died": 5, "output": 8, "no progress": 2, "memory": 2, "device": 5, "error": 2}
"""Failures in a row without progress, by kind, after which a fault that may pass is taken for a lasting one."""


@dataclass(frozen=True)
class Fault:
    """Why an attempt failed.

    Attributes:
        kind: "job" for what lasts, else a key of `PATIENCE`.
        reason: one sentence for people.
    """

    kind: str
    reason: str

    def lasts(self, failures: int) -> bool:
        """Whether to set the job aside after so many failures in a row without progress, this one included."""
        return self.kind == "job" or failures >= PATIENCE[self.kind]


def fault_of(error: BaseException) -> Fault:
    """Sort an error that ended an attempt.

    Errors of the graphics device belong to the process: it ends with them, and the job is tried again in a new one.
    """
    reason = " ".join(str(error).split()) or type(error).__name__
    if _wants_memory(error):
        return Fault("memory", f"it needs more memory than the worker may have: {reason}")
    if type(error).__name__ in ("AcceleratorError", "CudaError") or "CUDA error" in reason:
        return Fault("device", reason)
    if isinstance(error, OutputError | OSError) and not isinstance(error, LASTING):
        return Fault("output", reason)
    if isinstance(error, LASTING):
        return Fault("job", reason)
    return Fault("error", f"{type(error).__name__}: {reason}")


def _wants_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that there was no memory."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        if any(words in str(error).lower() for words in ("out of memory", "allocate memory", "not enough memory")):
            return True
        error = error.__cause__
    return False


def pause_before(attempt: int, *, first: float, longest: float) -> float:
    """Seconds to wait before an attempt: none before the first, then doubling from `first` up to `longest`."""
    return 0.0 if attempt <= 1 else min(longest, first * 2.0 ** min(attempt - 2, 60))
