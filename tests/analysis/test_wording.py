"""Figures as a surgeon reads them: words with units, shares as per cent, objects that can be told apart."""

from analysis_tools import bar, write_workspace
from sam2s.analysis.metrics import measure_case
from sam2s.analysis.series import read_case
from sam2s.analysis.tables import object_rows, pair_rows
from sam2s.analysis.wording import PAIR, count_jumps, figure_groups, labels_of
from sam2s.workspace import Workspace


def case_of(tmp_path, masks, names):
    with Workspace.open(write_workspace(tmp_path / "case", masks, names)) as workspace:
        return read_case(workspace)


def test_every_figure_of_the_table_has_words_and_none_is_left_out(tmp_path):
    case = case_of(tmp_path, [{1: bar(40 + t, 30), 2: bar(90 - t, 60)} for t in range(40)], {1: "hook", 2: "clip"})
    metrics = measure_case(case, unit="px", scale=1.0)
    rows = object_rows(metrics)
    lines = [line for group in figure_groups(rows, "px") for line in group.lines]
    assert len(lines) == len(rows[0]) - 3  # all but case, id and name
    words = dict(lines)
    assert words["share of the video in view"] == ["100.0 %", "100.0 %"]
    assert words["enters from"] == ["left", "left"]
    assert "mean speed, pixels per s" in words
    assert all("_" not in text for text in words)
    assert set(pair_rows(metrics)[0]) - {"case"} == set(PAIR)


def test_objects_of_one_name_are_told_apart_and_others_keep_theirs():
    named = [(1, "grasper"), (2, "grasper"), (5, "hook")]
    assert labels_of(named) == {1: "grasper 1", 2: "grasper 2", 5: "hook"}


def test_jumps_of_a_tip_are_counted_and_a_quick_move_is_none(tmp_path):
    places = [40 + 4 * t for t in range(20)]
    steady = case_of(tmp_path, [{1: bar(x, 30)} for x in places], {1: "hook"})
    assert count_jumps(steady.objects[1], 160) == 0
    places[10] = 140
    jumping = case_of(tmp_path / "other", [{1: bar(x, 30)} for x in places], {1: "hook"})
    assert count_jumps(jumping.objects[1], 160) == 2
