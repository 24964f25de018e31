"""Figures of cases whose motion is known, with everything that is left out of them."""

import math

import numpy as np
import pytest

from analysis_tools import RATE, bar, write_workspace
from sam2s.analysis import measure_case, read_case
from sam2s.analysis.metrics import pixel_scale
from sam2s.analysis.series import masks_touch
from sam2s.errors import ConfigError
from sam2s.tracking.results import ObjectState
from sam2s.workspace import VideoIdentity, Workspace


def case_of(folder):
    with Workspace.open(folder) as workspace:
        return read_case(workspace)


def test_a_tip_that_moves_evenly_has_that_speed_and_path(tmp_path):
    masks = [{1: bar(40 + 2 * t, 48)} for t in range(50)]
    case = case_of(write_workspace(tmp_path / "w", masks, {1: "grasper"}))
    found = measure_case(case).objects[0]
    assert found.tip.mean_speed == pytest.approx(2 * RATE, rel=0.01)
    assert found.tip.path == pytest.approx(98, rel=0.01)
    assert found.tip.economy == pytest.approx(1, abs=0.01)
    assert found.tip.mean_acceleration < 20  # of the tip, a mean of ever more pixels
    assert (found.visible, found.share, found.entries, found.exits) == (2.0, 1.0, 0, 0)
    assert found.ports == ("left",)
    assert found.idle_share == 0
    assert found.centre.mean_speed == pytest.approx(RATE, rel=0.03)  # of a bar that grows at one end


def test_units_scale_lengths_and_nothing_else(tmp_path):
    masks = [{1: bar(40 + t, 48)} for t in range(30)]
    case = case_of(write_workspace(tmp_path / "w", masks, {1: "grasper"}))
    pixels, halves = measure_case(case), measure_case(case, unit="mm", scale=0.5)
    assert halves.objects[0].tip.path == pytest.approx(pixels.objects[0].tip.path / 2)
    assert halves.objects[0].tip.area == pytest.approx(pixels.objects[0].tip.area / 4)
    assert halves.objects[0].tip.ldlj == pytest.approx(pixels.objects[0].tip.ldlj, nan_ok=True)
    assert halves.objects[0].idle_share == pixels.objects[0].idle_share
    assert pixel_scale(case, 1, 5.0) == pytest.approx(5 / 8, rel=0.02)


def test_gaps_carry_no_path_and_short_ones_end_no_visit(tmp_path):
    def seen(t):
        return not (10 <= t < 14 or 30 <= t < 60)

    masks = [{1: bar(40 + t, 48) if seen(t) else None} for t in range(90)]
    found = measure_case(case_of(write_workspace(tmp_path / "w", masks, {1: "hook"}))).objects[0]
    assert found.visits == ((0.0, 29 / RATE), (60 / RATE, 89 / RATE))
    assert (found.entries, found.exits) == (1, 1)
    assert found.out_of_view == pytest.approx(30 / RATE)
    assert found.visible == pytest.approx(56 / RATE)
    assert found.tip.path == pytest.approx(9 + 15 + 29, abs=1)


def test_doubtful_frames_take_no_part_in_motion_and_their_share_is_given(tmp_path):
    masks = [{1: bar(140 if 20 <= t < 25 else 60, 48)} for t in range(50)]
    folder = write_workspace(tmp_path / "w", masks, {1: "hook"}, confidence=lambda t, _: 0.3 if 20 <= t < 25 else 0.9)
    found = measure_case(case_of(folder)).objects[0]
    assert found.doubtful_share == pytest.approx(0.1)
    assert found.tip.path == pytest.approx(0, abs=1e-6)
    assert found.idle_share == 1
    with Workspace.open(folder, write=True) as workspace:
        workspace.accept([1], 20, 25)
    trusted = measure_case(case_of(folder)).objects[0]
    assert trusted.doubtful_share == 0
    assert trusted.tip.path > 100


def test_frames_that_were_not_judged_are_gaps_whose_share_is_given(tmp_path):
    masks = [{1: ObjectState.NOT_JUDGED if 20 <= t < 30 else bar(40 + t, 48)} for t in range(50)]
    case = case_of(write_workspace(tmp_path / "w", masks, {1: "hook"}))
    assert np.flatnonzero(case.objects[1].not_judged).tolist() == list(range(20, 30))
    found = measure_case(case).objects[0]
    assert found.not_judged_share == pytest.approx(0.2)
    assert found.share == pytest.approx(0.8)
    assert found.tip.path == pytest.approx(19 + 19, abs=1)


def test_exchanges_are_returns_through_another_edge(tmp_path):
    def mask(t):
        if t < 20:
            return bar(60, 48)
        return None if t < 40 else bar(60, 48)[:, ::-1].copy()

    found = measure_case(case_of(write_workspace(tmp_path / "w", [{1: mask(t)} for t in range(60)], {1: "a"}))).objects[
        0
    ]
    assert found.ports == ("left", "right")
    assert found.exchanges == 1


def test_the_camera_s_motion_is_taken_out(tmp_path):
    masks = [{1: bar(40 + 2 * t, 48)} for t in range(40)]
    motions = np.array([np.eye(2, 3)] * 40)
    motions[1:, 0, 2] = 2  # the whole picture moves as the tip does
    found = measure_case(case_of(write_workspace(tmp_path / "w", masks, {1: "a"})), motions=motions).objects[0]
    assert found.tip_steady.path == pytest.approx(0, abs=3)
    assert found.tip.path > 70


def test_pairs_are_measured_where_both_are_seen(tmp_path):
    def height(t):
        return 30 + 12 * math.sin(t / 5)

    masks = [{1: bar(60, height(t)), 2: bar(100, height(t) + 30)} for t in range(100)]
    pair = measure_case(case_of(write_workspace(tmp_path / "w", masks, {1: "a", 2: "b"}))).pairs[0]
    assert pair.correlation == pytest.approx(1, abs=0.02)
    assert pair.together == pytest.approx(4)
    assert (pair.contact, pair.contacts) == (0, 0)


def test_contacts_need_an_approach(tmp_path):
    masks = [{1: bar(60, 30), 2: bar(60, 60 - 22 * (20 <= t < 30)), 3: bar(20, 33)} for t in range(50)]
    found = measure_case(case_of(write_workspace(tmp_path / "w", masks, {1: "a", 2: "b", 3: "c"})))
    pairs = {(pair.one, pair.other): pair for pair in found.pairs}
    assert (pairs[1, 2].contact, pairs[1, 2].contacts) == (pytest.approx(10 / RATE), 1)
    assert pairs[1, 3].contacts == 0  # one lies behind the other all the time


def test_touching_means_at_most_one_pixel_between():
    one = bar(50, 20)
    assert masks_touch(one, bar(50, 29))
    assert not masks_touch(one, bar(50, 30))
    assert not masks_touch(np.zeros_like(one), one)


def test_what_is_missing_is_told(tmp_path):
    Workspace.create(tmp_path / "w", VideoIdentity("v", "f", (10, 10))).close()
    with pytest.raises(ConfigError, match="has no masks yet; track the video first"):
        case_of(tmp_path / "w")
    folder = write_workspace(tmp_path / "x", [{1: bar(40, 40)}], {1: "a"})
    with Workspace.open(folder) as workspace:
        assert read_case(workspace, fps=50).rate == 50


def test_json_has_null_for_what_cannot_be_told(tmp_path):
    content = measure_case(case_of(write_workspace(tmp_path / "w", [{1: None}] * 3, {1: "a"}))).to_json()
    assert content["schema"] == 1
    assert content["objects"][0]["tip"]["mean_speed"] is None
    assert content["objects"][0]["visits"] == []
