"""Which faults are tried again, how often, and after what pause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.archive.faults import LASTING, PATIENCE, Fault, fault_of, pause_before
from sam2s.errors import ConfigError, OutputError, SourceError, TruncatedSourceError


class AcceleratorError(RuntimeError):
    """Named as the one of torch."""


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (MemoryError(), "memory", "it needs more memory than the worker may have: MemoryError"),
        (
            RuntimeError("CUDA out of memory\n"),
            "memory",
            "it needs more memory than the worker may have: CUDA out of memory",
        ),
        (RuntimeError("CUDA error: unspecified launch failure"), "device", "CUDA error: unspecified launch failure"),
        (AcceleratorError("device lost"), "device", "device lost"),
        (OutputError("a: disk full"), "output", "a: disk full"),
        (OSError(28, "No space left on device"), "output", "[Errno 28] No space left on device"),
        (SourceError("b: no frames"), "job", "b: no frames"),
        (TruncatedSourceError("b: ends early"), "job", "b: ends early"),
        (ConfigError("c is 1;\n  give 2"), "job", "c is 1; give 2"),
        (ZeroDivisionError("division by zero"), "error", "ZeroDivisionError: division by zero"),
        (KeyError(), "error", "KeyError: KeyError"),
    ],
)
def test_errors_are_sorted(error, kind, reason):
    assert fault_of(error) == Fault(kind, reason)


def test_too_little_memory_is_found_behind_the_error_that_tells_of_it():
    torch_error = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    for first in (MemoryError(), OSError(12, "Cannot allocate memory"), torch_error):
        assert fault_of(first).kind == "memory"
        with pytest.raises(SourceError) as caught:
            raise SourceError("cannot read picture a.png: MemoryError") from first
        assert fault_of(caught.value).kind == "memory"


@pytest.mark.parametrize("kind", LASTING)
def test_what_the_user_must_mend_is_not_tried_again(kind):
    fault = fault_of(kind("x"))
    assert fault.kind == "job"
    assert fault.lasts(1)


@pytest.mark.parametrize(("kind", "patience"), PATIENCE.items())
def test_patience_ends_at_its_number(kind, patience):
    fault = Fault(kind, "x")
    assert [fault.lasts(failures) for failures in range(1, patience + 2)] == [False] * (patience - 1) + [True] * 2


def test_pauses_double_up_to_the_longest():
    assert [pause_before(n, first=2, longest=30) for n in range(8)] == [0, 0, 2, 4, 8, 16, 30, 30]


@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(0.01, 1e6))
def test_no_pause_is_longer_than_the_longest_or_shorter_than_the_one_before(attempt, first, longest):
    pauses = [pause_before(n, first=first, longest=longest) for n in (attempt, attempt + 1)]
    assert 0 <= pauses[0] <= pauses[1] <= longest
