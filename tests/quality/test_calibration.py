"""The calibrated model: numbers by hand, monotone and within 0 and 1 whatever comes, strict about what it reads."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_tools import head, quality_model
from sam2s.errors import CheckpointError
from sam2s.quality.calibration import BLANK_MODEL, FLOOR, Curve, QualityModel, default_model, expand, read_model
from sam2s.quality.features import EMPTY, SEEN

NUMBERS = st.floats(-50, 50)
CURVE = Curve((1.0, 0.5), 0.25, (-1.0, 0.0, 2.0), (0.1, 0.4, 0.8))


def test_a_curve_by_hand():
    assert expand(np.array([[2.0], [-2.0]])).tolist() == [[2.0, 2.0], [-2.0, 0.0]]
    assert CURVE.raw(np.array([[1.0], [-1.0]])) == pytest.approx([1.75, -0.75])
    assert CURVE(np.array([[1.0], [-1.0], [9.0]])) == pytest.approx([0.4 + 0.4 * 1.75 / 2, 0.1 + 0.3 * 0.25, 0.8])


@given(st.lists(NUMBERS, min_size=2, max_size=20))
def test_a_higher_score_never_gives_a_lower_probability(values):
    rows = np.sort(np.array(values))[:, None]
    probabilities = CURVE(rows)
    assert (np.diff(probabilities) >= 0).all()
    assert ((probabilities >= FLOOR) & (probabilities <= 1 - FLOOR)).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=len(SEEN), max_size=len(SEEN)))
def test_the_default_gives_probabilities_whatever_the_features(values):
    quality = default_model().judge(np.array(values), empty=False)
    assert 0 < quality.doubt < 1
    assert 0 < quality.expected_iou < 1


def test_features_are_standardised_and_held_within_six_spreads():
    shifted = head(("a",), {"a": 1})
    shifted = type(shifted)(("a",), (3.0,), (2.0,), shifted.doubt, shifted.iou)
    assert shifted.standardise(np.array([[7.0], [100.0], [-100.0]])).tolist() == [[2.0], [6.0], [-6.0]]


def test_each_kind_of_mask_has_its_head():
    model = quality_model(empty=head(EMPTY, {"hidden": 1}))
    seen, empty = np.zeros(len(SEEN)), np.zeros(len(EMPTY))
    seen[SEEN.index("predicted_iou")], empty[EMPTY.index("hidden")] = 2.0, -4.0
    assert model.judge(seen, empty=False).doubt == pytest.approx(0.6)
    assert model.judge(empty, empty=True).expected_iou == pytest.approx(0.3)
    assert BLANK_MODEL.judge(seen, empty=False).doubt == 0.5


def test_a_model_comes_back_as_it_was_stored(tmp_path):
    model = quality_model(fitted={"weights": "micro"})
    path = tmp_path / "quality.json"
    path.write_text(model.to_json())
    assert read_model(path) == model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "has format 2, this sam2s reads 1; fit it again with `sam2s quality fit`"),
        ({"more": 1}, "it has 'more' too many"),
        ({"limits": {"patience": -1}}, "alarm limit patience -1"),
        ({"limits": {"other": 1}}, "unexpected keyword argument 'other'"),
        ({"seen": None}, "cannot be read"),
    ],
)
def test_what_is_no_model_of_this_version_is_refused(change, message):
    text = json.dumps(json.loads(quality_model().to_json()) | change)
    with pytest.raises(CheckpointError, match="the quality model of the weights x") as refused:
        QualityModel.from_json(text, "the weights x")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("names", ["iou"], "was fitted with other features than this sam2s computes"),
        ("scale", [0.0] * len(SEEN), "a scale is not above 0"),
        ("centre", [0.0], f"a list of {len(SEEN)} is expected"),
        ("extra", 1, "a head has 'extra' too many"),
    ],
)
def test_a_head_of_another_form_is_refused(name, value, message):
    data = json.loads(quality_model().to_json())
    data["seen"][name] = value
    with pytest.raises(CheckpointError, match=message):
        QualityModel.from_json(json.dumps(data), "a file")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": [1.0, 0.0]}, "a map must ascend from 0 to 1"),
        ({"values": [0.9, 0.1]}, "a map must ascend from 0 to 1"),
        ({"values": [0.0, 1.5]}, "a map must ascend from 0 to 1"),
        ({"values": [0.5]}, "as many values as scores"),
        ({"bias": None}, "a number is not finite"),
        ({"weights": [float("inf")] * 2 * len(SEEN)}, "a number is not finite"),
        ({"scores": [0.0] * 2000, "values": [0.0] * 2000}, "a list of numbers is expected"),
    ],
)
def test_a_curve_of_another_form_is_refused(changes, message):
    data = json.loads(quality_model().to_json())
    data["seen"]["doubt"] |= changes
    with pytest.raises(CheckpointError, match=message):
        QualityModel.from_json(json.dumps(data), "a file")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot read the quality model .*none\.json"):
        read_model(tmp_path / "none.json")
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CheckpointError, match=r"cannot read the quality model .*bad\.json"):
        read_model(tmp_path / "bad.json")


def test_the_bundled_model_says_what_it_was_fitted_on():
    assert default_model().fitted["weights"] == "micro"
    assert default_model().fitted["masks"] > 1000
