"""Figures of a quality model on rows made by hand."""

import math

import numpy as np
import pytest

from quality_tools import quality_model
from sam2s.evaluation.judged_masks import ROW
from sam2s.evaluation.quality_table import COLUMNS, alarm_rows, as_markdown, judge_rows, quality_table
from sam2s.quality import EMPTY, SEEN
from sam2s.quality.features import logit


def rows(count=40):
    """An object in a video, shown by a click; predicted and true IoU are one, but for an empty mask at the end."""
    made = np.zeros(count, ROW)
    made["frame"] = np.arange(count) * 30
    made["iou"] = made["predicted"] = np.linspace(0.95, 0.3, count)
    made["features"][:, SEEN.index("predicted_iou")] = [logit(value) for value in made["iou"]]
    made["features"][:, SEEN.index("area")] = math.log(0.1)
    made["empty"][-1] = True
    made["features"][-1] = 0
    made["features"][-1, EMPTY.index("predicted_iou")] = 5.0
    return made


def test_each_kind_of_mask_is_judged_by_its_head():
    expected, doubt = judge_rows(quality_model(), rows())
    assert expected[0] == pytest.approx((logit(0.95) + 10) / 20)
    assert expected[-1] == doubt[-1] == pytest.approx(0.75)


def test_alarms_are_those_of_the_features_in_the_order_of_frames():
    made = rows()
    made["features"][10:15, SEEN.index("overlap")] = 0.9
    made["features"][20, SEEN.index("growth")] = 2.0
    assert np.flatnonzero(alarm_rows(quality_model(), made)).tolist() == [12, 13, 14, 20]


def test_false_alarms_are_counted_by_the_hour():
    made = rows()
    made["features"][3, SEEN.index("growth")] = 2.0  # a good mask far from bad ones
    made["features"][30, SEEN.index("growth")] = 2.0  # a bad one
    table = quality_table(quality_model(), made, fps=1.0)
    assert made["iou"][30] < 0.5
    assert table[0]["hours"] == pytest.approx(40 / 3600)
    assert table[0]["false_alarms_per_hour"] == pytest.approx(90)
    assert table[1]["masks"] == 0
    assert math.isnan(table[1]["false_alarms_per_hour"])
    assert table[3]["masks"] == 40
    assert table[3]["bad"] == int((made["iou"] < 0.5).sum())


def test_the_table_for_people_has_a_line_for_each_prompt():
    lines = as_markdown(quality_table(quality_model(), rows(), fps=25)).splitlines()
    assert len(lines) == 2 + 4
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == list(COLUMNS)
    assert "| 1-click" in lines[2]
