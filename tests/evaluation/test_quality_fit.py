"""What `sam2s quality fit` is fitted on, and what it writes."""

import json

import numpy as np
import pytest

from model_tools import nano
from quality_tools import quality_model
from sam2s.checkpoints import read_checkpoint, save_checkpoint
from sam2s.errors import ConfigError
from sam2s.evaluation.judged_masks import ROW
from sam2s.evaluation.quality_fit import drawn_videos, fit_on_rows, fit_presence, write_model
from sam2s.evaluation.synthetic import HELD_OUT
from sam2s.quality import SEEN, QualityModel, read_model


def rows(count=600, seed=0):
    """Masks that are bad where the predicted IoU is low."""
    random = np.random.default_rng(seed)
    made = np.zeros(count, ROW)
    made["video"] = np.arange(count) % 12
    made["features"][:, SEEN.index("predicted_iou")] = random.normal(size=count)
    made["iou"] = made["features"][:, SEEN.index("predicted_iou")] > 0
    made["there"] = True
    return made


def test_videos_to_fit_on_are_none_of_those_that_are_measured():
    fitted, measured = drawn_videos(3, 4, 5), drawn_videos(3, 4, 5, held_out=True)
    assert {video.seed for video in fitted}.isdisjoint(video.seed for video in measured)
    assert measured[0].seed >= HELD_OUT
    assert fitted[0].seed >= 900_200
    assert (fitted[0].length, fitted[0].every) == (4, 5)
    assert all(video.objects for video in fitted)


def test_the_record_says_what_it_was_fitted_on():
    network = nano()
    model = fit_on_rows(network, rows(), {"videos": 12})
    assert model.fitted["digest"] == network.digest()
    assert (model.fitted["weights"], model.fitted["videos"], model.fitted["masks"]) == ("nano", 12, 600)


def test_presence_is_left_as_it_is_without_absent_objects():
    assert fit_presence(rows()) == (1.0, 0.0)


def test_presence_that_is_twice_too_sure_is_mended():
    random = np.random.default_rng(3)
    made = rows(20_000)
    made["score"] = random.normal(1.0, 3.0, len(made))
    made["there"] = random.random(len(made)) < 1 / (1 + np.exp(-(made["score"] / 2 - 0.5)))
    assert fit_presence(made) == pytest.approx((0.5, -0.5), abs=0.05)
    made["score"] *= -1  # a score that says the opposite is not turned round
    assert fit_presence(made) == (1.0, 0.0)


def test_a_model_is_written_alone_or_within_its_weights(tmp_path):
    network, model = nano(), quality_model(fitted={"weights": "nano"})
    weights = tmp_path / "nano.safetensors"
    save_checkpoint(weights, network.state_dict(), network.config, dtype="fp32")
    write_model(tmp_path / "quality.json", str(weights), model, (0.5, -0.5))
    assert read_model(tmp_path / "quality.json") == model
    assert json.loads((tmp_path / "quality.json").read_text())["format"] == 1
    write_model(tmp_path / "own.safetensors", str(weights), model, (0.5, -0.5))
    config = read_checkpoint(tmp_path / "own.safetensors")[0]
    assert QualityModel.from_json(config.quality, "own") == model
    assert (config.presence_scale, config.presence_shift) == (0.5, -0.5)
    with pytest.raises(ConfigError, match=r"--out .*own\.txt must end in \.json"):
        write_model(tmp_path / "own.txt", str(weights), model, (1.0, 0.0))
