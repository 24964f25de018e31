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


def test_a_connected_page_keeps_the_right_however_long_nothing_is_heard_of_it(clock):
    lock = EditLock()
    lock.opened("a")
    lock.take("a", "Ada")
    clock[0] += 100 * edit_lock.QUIET_SECONDS
    assert lock.state("b")[0] == "Ada"
    with pytest.raises(ApiError, match="Ada edits this video"):
        lock.take("b", "Bob")
    assert lock.state("a") == ("Ada", True, lock.state("a")[2], None)


def test_a_program_that_is_quiet_keeps_the_right_until_somebody_else_edits_and_is_told_then(clock):
    lock = EditLock()
    lock.take("a", "Ada")
    clock[0] += edit_lock.QUIET_SECONDS - 1
    with pytest.raises(ApiError):
        lock.take("b", "Bob")
    clock[0] += 2
    assert lock.state("b")[0] is None  # free to edit, and the page of the other says so
    assert lock.state("a")[:2] == ("Ada", True)  # and looking at it has taken nothing away
    lock.take("a", "Ada")
    with pytest.raises(ApiError):
        lock.take("b", "Bob")
    clock[0] += edit_lock.QUIET_SECONDS + 1
    lock.take("b", "Bob")
    assert lock.state("a")[:2] == ("Bob", False)
    assert lock.state("a")[3] == "Bob edits this video since you were out of reach; you look on"
    with pytest.raises(ApiError, match="Bob edits this video"):
        lock.take("a", "Ada")


def test_a_closed_page_keeps_the_right_for_a_moment_or_until_it_is_loaded_again(clock):
    lock = EditLock()
    lock.opened("a")
    lock.take("a", "Ada")
    lock.left("a")
    clock[0] += edit_lock.LEFT_SECONDS - 0.5
    assert lock.state("b")[0] == "Ada"
    clock[0] += 5
    assert lock.state("b")[0] is None
    lock.opened("a")  # it was only loaded again, on a busy machine
    assert lock.state("b")[0] == "Ada"
    lock.left("a")
    clock[0] += edit_lock.LEFT_SECONDS + 0.1
    lock.take("b", "Bob")
    lock.opened("a")
    assert lock.state("a")[:2] == ("Bob", False)


def test_a_connection_that_ends_late_does_not_take_the_right_from_the_one_that_came_after_it(clock):
    lock = EditLock()
    lock.opened("a")
    lock.take("a", "Ada")
    lock.opened("a")
    lock.left("a")
    clock[0] += 60
    assert lock.state("b")[0] == "Ada"
    lock.left("a")
    clock[0] += 60
    assert lock.state("b")[0] is None


def test_releasing_is_of_no_effect_for_others(clock):
    lock = EditLock()
    lock.take("a", "Ada")
    lock.release("b")
    assert lock.state("a")[1]
    lock.release("a")
    assert lock.state("a")[0] is None
