"""Time left, in words."""

import pytest

from sam2s.training import pace
from sam2s.training.pace import Pace, duration


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [1000.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    return now


def test_time_left_follows_from_the_steps_of_this_session(clock):
    run = Pace(100, 300, by_clock=False)
    assert run.describe(100, 100) == "step 100 of 300"
    clock[0] += 60
    assert run.seconds_left(110) == 60 / 10 * 190
    assert run.describe(110, 110) == "step 110 of 300, 19 min left"
    assert run.seconds_left(300) == 0


def test_by_the_clock_it_is_what_is_left_of_the_length():
    run = Pace(0, 600, by_clock=True)
    assert run.describe(7, 90) == "step 7, 8 min left"
    assert run.seconds_left(700) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (99, "99 s"), (100, "2 min"), (5900, "98 min"), (7500, "2 h 05 min"), (273_600, "3 d 4 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
