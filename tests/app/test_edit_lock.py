"""One edits, others look on and may take over, with notice."""

import pytest

from sam2s.app import edit_lock
from sam2s.app.edit_lock import EditLock
from sam2s.app.problems import ApiError


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(edit_lock.time, "monotonic", lambda: now[0])
    return now


def test_a_second_tab_is_refused_by_name_until_it_takes_over_and_the_first_is_told(clock):
    lock = EditLock()
    lock.take("a", "Ada")
    with pytest.raises(ApiError, match="Ada edits this video"):
        lock.take("b", "Bob")
    lock.take("b", "Bob", take_over=True)
    assert lock.state("a")[:2] == ("Bob", False)
    assert lock.state("a")[3] == "Bob has taken over; you look on"
    assert lock.state("b")[:2] == ("Bob", True)
    with pytest.raises(ApiError, match="Bob edits"):
        lock.take("a", "Ada")


def test_a_tab_that_is_quiet_loses_the_right_and_one_that_is_heard_keeps_it(clock):
    lock = EditLock()
    lock.take("a", "Ada")
    clock[0] += edit_lock.QUIET_SECONDS - 1
    lock.heard("a")
    clock[0] += edit_lock.QUIET_SECONDS - 1
    with pytest.raises(ApiError):
        lock.take("b", "Bob")
    clock[0] += 2
    lock.take("b", "Bob")
    assert lock.state("b")[1]


def test_a_closed_page_keeps_the_right_for_a_moment_only(clock):
    lock = EditLock()
    lock.take("a", "Ada")
    lock.left("a")
    clock[0] += edit_lock.LEFT_SECONDS - 0.5
    assert lock.state("b")[0] == "Ada"
    lock.take("a", "Ada")  # it was only loaded again
    clock[0] += 5
    assert lock.state("b")[0] == "Ada"
    lock.left("a")
    clock[0] += edit_lock.LEFT_SECONDS + 0.1
    assert lock.state("b")[0] is None


def test_releasing_is_of_no_effect_for_others(clock):
    lock = EditLock()
    lock.take("a", "Ada")
    lock.release("b")
    assert lock.state("a")[1]
    lock.release("a")
    assert lock.state("a")[0] is None
