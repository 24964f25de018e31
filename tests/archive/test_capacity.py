"""What an archive needs, worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.archive.capacity import MeasuredCosts, capacity

COSTS = MeasuredCosts(frame_seconds=0.1, frame_bytes=400.0, start_seconds=36.0, workers=2)


def test_the_numbers_by_hand():
    """48 h at 25 frames a second are 4.32 million frames: 432,000 s and 48 starts of 36 s, by two workers."""
    row = capacity(COSTS, 48)
    assert row.hours == 48
    assert row.machine_days == pytest.approx((432_000 + 48 * 36) / 2 / 86_400)
    assert row.machines == 1
    assert row.within_days == 7
    assert row.disk_gigabytes == pytest.approx(1.728)


def test_every_nth_frame_costs_an_nth_but_the_starts_stay():
    row = capacity(COSTS, 48, stride=5)
    assert row.machine_days == pytest.approx((86_400 + 48 * 36) / 2 / 86_400)
    assert row.disk_gigabytes == pytest.approx(1.728 / 5)


def test_short_videos_are_opened_more_often():
    long, short = (capacity(COSTS, 48, hours_per_video=hours).machine_days for hours in (2.0, 0.5))
    assert short - long == pytest.approx((96 - 24) * 36 / 2 / 86_400)


def test_time_lost_to_failures_needs_time_and_no_disk():
    ideal, real = capacity(COSTS, 48), capacity(COSTS, 48, overhead=1.25)
    assert real.machine_days == pytest.approx(1.25 * ideal.machine_days)
    assert real.disk_gigabytes == ideal.disk_gigabytes


@pytest.mark.parametrize(
    ("days", "within", "machines"), [(0.0, 7.0, 1), (7.0, 7.0, 1), (7.01, 7.0, 2), (14.0, 7.0, 2), (3.0, 0.5, 6)]
)
def test_machines_that_are_done_in_time(days, within, machines):
    costs = MeasuredCosts(frame_seconds=days * 86_400 / 90_000, frame_bytes=0.0, start_seconds=0.0, workers=1)
    row = capacity(costs, 1.0, within_days=within)
    assert row.machine_days == pytest.approx(days)
    assert row.machines == machines


@given(hours=st.floats(1, 1e5), within=st.floats(0.5, 365))
def test_so_many_machines_are_enough_and_one_less_is_not(hours, within):
    row = capacity(COSTS, hours, within_days=within)
    assert row.machines >= 1
    assert row.machines * within >= row.machine_days - 1e-3
    assert row.machines == 1 or (row.machines - 1) * within < row.machine_days + 1e-3
