"""How long a training is, and how its learning rate goes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.errors import ConfigError
from sam2s.training.schedule import UNITS, Schedule

shares = st.floats(0, 1)


@pytest.mark.parametrize(
    ("progress", "factor"), [(0.0, 0.0), (0.01, 0.5), (0.02, 1.0), (0.51, 0.51), (1.0, 0.02), (1.2, 0.02)]
)
def test_learning_rate_rises_and_falls(progress, factor):
    schedule = Schedule(length="9 steps", warmup=0.02, final=0.02)
    assert schedule.factor(progress) == pytest.approx(factor, abs=1e-6)


@given(shares, shares)
def test_without_warm_up_it_never_rises(a, b):
    schedule = Schedule(length="30 epochs")
    assert schedule.factor(min(a, b)) >= schedule.factor(max(a, b)) >= 0.1 - 1e-12


@given(warmup=shares, final=shares, progress=st.floats(0, 2))
def test_the_rate_stays_between_nothing_and_its_peak(warmup, final, progress):
    factor = Schedule(length="9 steps", warmup=warmup, final=final).factor(progress)
    assert 0 <= factor <= 1 + 1e-12
    if progress >= warmup:
        assert factor >= final - 1e-12


def test_quarters_of_the_cosine():
    schedule = Schedule(length="9 steps", final=0.0)
    wanted = [(1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0.0]
    assert [schedule.factor(p) for p in (0.25, 0.5, 0.75, 1.0)] == pytest.approx(wanted)


def test_a_rise_over_the_whole_training():
    schedule = Schedule(length="9 steps", warmup=1.0, final=0.2)
    assert [schedule.factor(p) for p in (0.0, 0.25, 0.999)] == pytest.approx([0.0, 0.25, 0.999])
    assert schedule.factor(1.0) == pytest.approx(0.2)


@pytest.mark.parametrize("unit", UNITS)
def test_a_length_is_given_in_one_unit(unit):
    schedule = Schedule(length=f"1.5 {unit}")
    assert [schedule.amount(other) for other in UNITS] == [1.5 if other == unit else None for other in UNITS]


@pytest.mark.parametrize("wrong", ["9", "steps 9", "0 steps", "-2 steps", "inf epochs", "nan epochs", "9 hours", ""])
def test_what_is_no_length_is_refused(wrong):
    with pytest.raises(ConfigError) as caught:
        Schedule(length=wrong)
    assert str(caught.value) == (
        f"length is {wrong!r}; give a number and a unit, such as 5000 steps, 30 epochs, 60 minutes"
    )


@pytest.mark.parametrize("name", ["warmup", "final"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_shares_outside_nothing_and_all_are_refused(name, value):
    with pytest.raises(ConfigError, match=rf"^{name} is {value}; it is a share, from 0 to 1$"):
        Schedule(length="9 steps", **{name: value})
