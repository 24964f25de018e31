"""Fitting: weights, maps and limits come out as the data say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2s.errors import ConfigError
from sam2s.quality.calibration import FLOOR
from sam2s.quality.features import EMPTY, SEEN
from sam2s.quality.fitting import (
    KNOTS,
    LabelledMasks,
    fit_curve,
    fit_head,
    fit_limits,
    fit_model,
    logistic,
    monotone_map,
)


def masks(count, names, seed=0, **columns):
    """Masks whose true IoU is above 0.5 just where the first feature is positive."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, len(names)))
    iou = 1 / (1 + np.exp(-2 * features[:, 0]))
    for name, values in columns.items():
        features[:, names.index(name)] = values
    return LabelledMasks(features, iou, np.arange(count) % 10)


def test_a_logistic_model_finds_the_odds_of_two_groups():
    rows = np.repeat([[0.0], [1.0]], 1000, axis=0)
    targets = np.concatenate([np.arange(1000) < 250, np.arange(1000) < 900]).astype(float)
    weights, bias = logistic(rows, targets, penalty=0.0)
    assert bias == pytest.approx(np.log(0.25 / 0.75), abs=1e-3)
    assert bias + weights[0] == pytest.approx(np.log(9), abs=1e-3)


def test_a_penalty_makes_weights_smaller():
    data = masks(200, SEEN)
    free, _ = logistic(data.features, data.iou, penalty=0.01)
    held, _ = logistic(data.features, data.iou, penalty=1000.0)
    assert np.linalg.norm(held) < np.linalg.norm(free) / 2


def test_the_map_of_two_levels_by_hand():
    scores = np.array([-1.0, -1, -1, -1, 2, 2, 2, 2])
    scores, values = monotone_map(scores, np.array([1.0, 0, 0, 0, 1, 1, 1, 0]))
    assert scores == pytest.approx([-1, 2])
    assert values == pytest.approx([0.25, 0.75])


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 1)), min_size=1, max_size=400))
def test_a_map_ascends_within_zero_and_one_in_few_points(pairs):
    scores, values = monotone_map(*np.array(pairs).T)
    assert (np.diff(scores) > 0).all()
    assert (np.diff(values) >= 0).all()
    assert values.min() >= FLOOR
    assert values.max() <= 1 - FLOOR
    assert len(scores) == len(values) <= KNOTS


def test_the_map_mends_odds_that_are_twice_too_sure():
    random = np.random.default_rng(1)
    scores = random.normal(size=20_000) * 4
    targets = (random.random(20_000) < 1 / (1 + np.exp(-scores / 2))).astype(float)
    found = np.interp([-4, 0, 4], *monotone_map(scores, targets))
    assert found == pytest.approx([0.119, 0.5, 0.881], abs=0.03)


def test_a_curve_is_fitted_across_groups():
    data = masks(2000, EMPTY)
    curve = fit_curve(data.features, (data.iou < 0.5).astype(float), data.groups)
    found = curve(data.features)
    assert found[data.features[:, 0] < -1].min() > 0.9
    assert found[data.features[:, 0] > 1].max() < 0.1


def test_a_model_tells_good_masks_from_bad_ones_and_carries_its_record():
    model = fit_model(masks(800, SEEN), masks(400, EMPTY), {"weights": "nano"})
    row = np.zeros(len(SEEN))
    row[0] = 2.0
    good = model.judge(row, empty=False)
    row[0] = -2.0
    bad = model.judge(row, empty=False)
    assert good.doubt < 0.05
    assert bad.doubt > 0.95
    assert good.expected_iou > 0.9 > 0.1 > bad.expected_iou
    assert model.fitted == {"weights": "nano", "masks": 800, "empty": 400, "empty_by_presence": False}


def test_a_feature_that_never_changes_does_no_harm():
    data = masks(300, SEEN, overlap=0.0)
    fitted = fit_head(SEEN, data)
    assert fitted.scale[SEEN.index("overlap")] == 1.0


@pytest.mark.parametrize("rows", [0, 20, 300])
def test_too_few_masks_are_said(rows):
    data = masks(300, SEEN)
    data.iou[:] = 0.9
    few = LabelledMasks(data.features[:rows], data.iou[:rows], data.groups[:rows])
    with pytest.raises(ConfigError, match=f"{rows} masks with 0 bad ones .* are too few to fit a quality model"):
        fit_model(few, few)


def test_without_empty_masks_presence_is_taken_at_its_word():
    few = LabelledMasks(np.zeros((3, len(EMPTY))), np.zeros(3), np.arange(3))
    model = fit_model(masks(800, SEEN), few)
    assert model.fitted["empty_by_presence"]
    row = np.zeros(len(EMPTY))
    row[EMPTY.index("presence")] = np.log(0.2 / 0.8)
    quality = model.judge(row, empty=True)
    assert quality.doubt == pytest.approx(0.2, abs=0.01)
    assert quality.expected_iou == pytest.approx(0.8, abs=0.01)


def test_limits_are_exceeded_by_one_good_mask_in_two_hundred():
    data = masks(1000, SEEN, pointer_distance=np.arange(1000) / 1000, appearance_distance=0.1)
    data.iou[:] = 0.9
    limits = fit_limits(data)
    assert limits.pointer_distance == pytest.approx(0.994, abs=1e-3)
    assert limits.appearance_distance == 0.1
    data.iou[:] = 0.4
    assert fit_limits(data).pointer_distance == 0.5  # nothing to go by: as it was
