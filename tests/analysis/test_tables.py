"""Figures of a case as rows: names of columns, units, and what cannot be told."""

import csv
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.analysis.metrics import CaseMetrics, MotionMetrics, ObjectMetrics, PairMetrics
from sam2s.analysis.tables import number, object_rows, pair_rows, to_csv

TIP = MotionMetrics(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
CENTRE = MotionMetrics(11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0)
STEADY = MotionMetrics(21.0, 22.0, 23.0, 24.0, 25.0, 26.0, 27.0, 28.0)
VISITS = ((0.0, 1.0), (3.0, 4.0), (6.0, 9.0))
HOOK = ObjectMetrics(
    3, "hook", 5.0, 0.5, VISITS, 2, 1, 4.0, 0.125, 0.25, ("left", "", "top"), 1, TIP, CENTRE, STEADY, 0.1, -0.01
)
PAIR = PairMetrics(3, 4, 0.75, 2.0, 0.5, 1.5, 6)


def case(*objects, unit="mm", pairs=()):
    return CaseMetrics("case 7", 10.0, 5.0, unit, 0.1, objects, pairs)


def test_the_row_of_an_object():
    (row,) = object_rows(case(HOOK))
    assert list(row.items())[:16] == [
        ("case", "case 7"),
        ("id", 3),
        ("name", "hook"),
        ("visible_s", 5.0),
        ("visible_share", 0.5),
        ("visits", 3),
        ("entries", 2),
        ("exits", 1),
        ("out_of_view_s", 4.0),
        ("ports", "left inside top"),
        ("exchanges", 1),
        ("doubtful_share", 0.125),
        ("not_judged_share", 0.0),
        ("idle_share", 0.25),
        ("mean_area_share", 0.1),
        ("area_share_change_per_min", -0.01),
    ]


@pytest.mark.parametrize(("point", "first"), [("tip", 1), ("centre", 11), ("tip_without_camera", 21)])
@pytest.mark.parametrize("unit", ["px", "widths", "mm"])
def test_the_unit_stands_in_the_names_of_lengths(point, first, unit):
    (row,) = object_rows(case(HOOK, unit=unit))
    names = [
        f"{point}_path_{unit}",
        f"{point}_mean_speed_{unit}_per_s",
        f"{point}_peak_speed_{unit}_per_s",
        f"{point}_mean_acceleration_{unit}_per_s2",
        f"{point}_ldlj",
        f"{point}_sparc",
        f"{point}_economy",
        f"{point}_working_area_{unit}2",
    ]
    assert [row[name] for name in names] == list(range(first, first + 8))


def test_without_the_camera_s_motion_its_columns_are_left_away():
    (row,) = object_rows(case(replace(HOOK, tip_steady=None)))
    assert len(row) == 16 + 2 * 8
    assert not any("without_camera" in name for name in row)


def test_the_row_of_a_pair_names_both_objects():
    objects = (HOOK, replace(HOOK, object_id=4, name="snare"))
    assert pair_rows(case(*objects, pairs=(PAIR,))) == [
        {
            "case": "case 7",
            "one": "3 hook",
            "other": "4 snare",
            "together_s": 2.0,
            "speed_correlation": 0.75,
            "both_moving_share": 0.5,
            "contact_s": 1.5,
            "contacts": 6,
        }
    ]
    assert pair_rows(case(HOOK)) == []


def test_what_cannot_be_told_is_empty_in_csv_and_digits_are_cut():
    rows = [{"name": 'a, "b"', "share": math.nan, "count": 2}, {"name": "c", "share": 1 / 3, "count": 0}]
    text = to_csv(rows)
    assert text == 'name,share,count\n"a, ""b""",,2\nc,0.333333,0\n'
    assert to_csv([]) == ""


@given(st.lists(st.tuples(st.text("abc,\"'é\n", max_size=8), st.integers(-9, 9)), min_size=1, max_size=5))
def test_csv_gives_back_what_was_written(values):
    text = to_csv([{"name": name, "count": count} for name, count in values])
    read = csv.DictReader(text.splitlines(keepends=True))
    assert [(row["name"], int(row["count"])) for row in read] == values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (math.nan, "-"),
        ("left", "left"),
        (1234567, "1234567"),
        (0.0, "0"),
        (0.012345, "0.0123"),
        (-12.345, "-12.3"),
        (999.4, "999"),
        (1000.0, "1,000"),
        (-1234.5678, "-1,235"),
    ],
)
def test_figures_as_people_read_them(value, text):
    assert number(value) == text
