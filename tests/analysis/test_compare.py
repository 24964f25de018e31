"""Cases beside one another: which values enter a mean, and what its interval is."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sam2s.analysis.compare import FIGURES, Interval, compare_cases, interval
from sam2s.analysis.metrics import CaseMetrics, MotionMetrics, ObjectMetrics

MOTION = MotionMetrics(10.0, 2.0, 4.0, 1.0, -5.0, -2.0, 0.5, 30.0)
HOOK = ObjectMetrics(
    1, "hook", 8.0, 0.4, ((0.0, 8.0),), 2, 1, 0.0, 0.0, 0.25, ("left",), 0, MOTION, MOTION, None, 0.1, 0.0
)


def case(name, *objects):
    return CaseMetrics(name, 20.0, 5.0, "px", 1.0, objects, ())


def test_every_figure_is_read_from_its_own_field():
    """Values that all differ, so that no figure can be read from the field of another."""
    motion = MotionMetrics(*np.arange(1.0, 9.0).tolist())
    item = replace(HOOK, visible=11.0, share=12.0, entries=13, exits=14, idle_share=15.0, tip=motion)
    found = compare_cases([case("a", item)])["hook"]
    assert {name: value.mean for name, value in found.items()} == {
        "time in use, s": 11,
        "share of the time": 12,
        "entries": 13,
        "idle share": 15,
        "path of the tip": 1,
        "mean speed": 2,
        "LDLJ": 5,
        "SPARC": 6,
        "economy of motion": 7,
        "working area": 8,
    }
    assert list(found) == list(FIGURES)


def test_objects_of_one_name_count_as_their_mean_and_cases_alike():
    """Two hooks of 2 s and 6 s in one case are 4 s; with 10 s in the other the mean is 7 s, not 6 s."""
    both = case("a", replace(HOOK, visible=2.0), replace(HOOK, object_id=2, visible=6.0))
    found = compare_cases([both, case("b", replace(HOOK, visible=10.0))])["hook"]["time in use, s"]
    assert (found.mean, found.cases) == (7.0, 2)
    assert 4.0 <= found.low <= 7.0 <= found.high <= 10.0


def test_kinds_of_objects_are_apart_in_the_order_they_come_up():
    snare = replace(HOOK, name="snare", visible=1.0)
    found = compare_cases([case("a", snare, HOOK), case("b", HOOK), case("c", replace(HOOK, name="needle"))])
    assert list(found) == ["snare", "hook", "needle"]
    assert [found[name]["time in use, s"].cases for name in found] == [1, 2, 1]


def test_what_cannot_be_told_enters_no_mean():
    unknown = replace(HOOK, tip=replace(MOTION, ldlj=math.nan))
    told = compare_cases([case("a", HOOK), case("b", unknown), case("c", unknown, HOOK)])["hook"]["LDLJ"]
    assert (told.mean, told.cases) == (-5.0, 2)
    none = compare_cases([case("a", unknown)])["hook"]
    assert math.isnan(none["LDLJ"].mean)
    assert none["LDLJ"].cases == 0
    assert none["SPARC"].cases == 1


def test_no_cases_have_nothing_to_compare():
    assert compare_cases([]) == {}
    assert compare_cases([case("a")]) == {}


def test_one_seed_gives_one_answer():
    cases = [case(str(n), replace(HOOK, visible=float(n * n))) for n in range(6)]
    assert compare_cases(cases, seed=3) == compare_cases(cases, seed=3)
    one, other = (compare_cases(cases, seed=seed)["hook"]["time in use, s"] for seed in (3, 4))
    assert one.mean == other.mean
    assert one != other


def test_equal_values_have_an_interval_of_no_width():
    assert interval([2.5] * 4, np.random.default_rng(0)) == Interval(2.5, 2.5, 2.5, 4)


def test_the_interval_is_about_that_of_the_normal_distribution():
    """For the mean of many values the bootstrap comes near 1.96 standard errors to either side."""
    values = np.random.default_rng(0).normal(10, 2, 400)
    found = interval(values.tolist(), np.random.default_rng(1))
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_two_values_span_their_interval():
    """Of the means of two draws from 0 and 1 a quarter is 0 and a quarter is 1: both lie inside 95 %."""
    assert interval([0.0, 1.0], np.random.default_rng(0)) == Interval(0.5, 0.0, 1.0, 2)
