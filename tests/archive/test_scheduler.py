"""The rules of handing out and repeating jobs, held against what they promise on random histories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.archive import Fault, JobScheduler, RetryPolicy
from sam2s.archive.faults import PATIENCE, fault_of, pause_before
from sam2s.archive.scheduler import Decision
from sam2s.errors import OutputError, SourceError


def test_jobs_come_in_their_order_and_never_more_than_the_slots():
    scheduler = JobScheduler("abc", slots=2)
    assert [scheduler.next_job(0) for _ in range(3)] == ["a", "b", None]
    assert scheduler.ended("a", None, 0) is Decision.DONE
    assert scheduler.next_job(0) == "c"
    assert scheduler.out == {"b", "c"}


def test_a_passing_fault_rests_for_growing_pauses_and_is_set_aside_in_the_end():
    scheduler, now, pauses = JobScheduler("a", slots=1, policy=RetryPolicy(10, 35)), 0.0, []
    for _ in range(PATIENCE["worker died"]):
        assert scheduler.next_job(now) == "a"
        decision = scheduler.ended("a", Fault("worker died", "x"), now)
        if decision is Decision.SET_ASIDE:
            break
        assert scheduler.next_job(now) is None
        pauses.append(scheduler.next_due() - now)
        now = scheduler.next_due()
    assert pauses == [10, 20, 35, 35]
    assert decision is Decision.SET_ASIDE
    assert scheduler.finished


def test_failures_before_progress_do_not_count():
    scheduler = JobScheduler("a", slots=1, policy=RetryPolicy(10, 600))
    for now in range(0, 100_000, 10_000):
        assert scheduler.next_job(now) == "a"
        assert scheduler.ended("a", Fault("worker died", "x"), now, progressed=True) is Decision.RETRY
        assert scheduler.next_due() == now + 10


def test_nothing_is_due_while_all_slots_are_taken():
    scheduler = JobScheduler("ab", slots=1, policy=RetryPolicy(10, 600))
    scheduler.next_job(0)
    scheduler.ended("a", Fault("output", "x"), 0)
    assert scheduler.next_due() == 10
    assert scheduler.next_job(5) == "b"
    assert scheduler.next_due() is None
    assert scheduler.next_job(20) is None


def test_a_lasting_fault_is_not_repeated():
    scheduler = JobScheduler("a", slots=1)
    scheduler.next_job(0)
    assert scheduler.ended("a", Fault("job", "no such file"), 0) is Decision.SET_ASIDE


@given(st.lists(st.lists(st.sampled_from(["worker died", "output", "job"]), max_size=10), min_size=1, max_size=12))
def test_every_job_ends_exactly_once_whatever_happens(histories):
    names = [str(i) for i in range(len(histories))]
    scheduler, now = JobScheduler(names, slots=3), 0.0
    attempts, ends = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    while not scheduler.finished:
        name = scheduler.next_job(now)
        if name is None:
            now = scheduler.next_due()
            continue
        history = histories[int(name)]
        fault = Fault(history[attempts[name]], "x") if attempts[name] < len(history) else None
        attempts[name] += 1
        ends[name] += scheduler.ended(name, fault, now) is not Decision.RETRY
    assert set(ends.values()) == {1}
    for name, history in zip(names, histories, strict=True):
        assert attempts[name] <= len(history) + 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SourceError("x"), "job"),
        (OutputError("x"), "output"),
        (OSError(28, "No space left on device"), "output"),
        (MemoryError(), "memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: out of memory"), "memory"),
        (RuntimeError("CUDA error: device-side assert triggered"), "device"),
        (KeyError("x"), "error"),
    ],
)
def test_errors_are_sorted(error, kind):
    assert fault_of(error).kind == kind


def test_the_first_attempt_waits_for_nothing():
    assert [pause_before(n, first=10, longest=600) for n in (1, 2, 3, 9, 10_000)] == [0, 10, 20, 600, 600]
