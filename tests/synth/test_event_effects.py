"""Films do to a picture what their name says."""

import numpy as np
import pytest

from sam2s.synth import Scene
from sam2s.synth.event_effects import add_blood, add_blur, add_smoke, add_wash, black_picture, pattern_picture


@pytest.fixture(scope="module")
def picture():
    return Scene(4, 96, 1, kind="laparoscopy", drift=0).render(0)[0]


def detail(image):
    return np.abs(np.diff(image.astype(float), axis=1)).mean()


def saturation(image):
    image = image.astype(float)
    return ((image.max(-1) - image.min(-1)) / np.maximum(image.max(-1), 1)).mean()


@pytest.mark.parametrize("seed", range(4))
def test_smoke_takes_colour_and_detail_and_leaves_nothing_dark(picture, seed):
    smoky = add_smoke(picture, seed, 5, 1.0)
    assert saturation(smoky) < 0.6 * saturation(picture)
    assert detail(smoky) < detail(picture)
    assert np.percentile(smoky, 10) > np.percentile(picture, 10) + 30


def test_blur_takes_detail_and_keeps_the_mean_colour(picture):
    soft = add_blur(picture, 3, 0, 1.0)
    assert detail(soft) < 0.6 * detail(picture)
    assert np.abs(soft.mean((0, 1)) - picture.mean((0, 1))).max() < 4


def test_water_changes_the_picture_in_every_frame(picture):
    one, other = add_wash(picture, 3, 5, 1.0).astype(float), add_wash(picture, 3, 6, 1.0).astype(float)
    assert np.abs(one - other).mean() > 3


@pytest.mark.parametrize("seed", range(4))
def test_blood_covers_most_of_the_lens_with_deep_red(picture, seed):
    red, green, blue = np.moveaxis(add_blood(picture, seed, 5, 1.0).astype(float), -1, 0)
    assert (red > 2 * np.maximum(green, blue)).mean() > 0.5


def test_no_strength_changes_nothing_but_noise(picture):
    for film in (add_smoke, add_blur, add_blood):
        assert np.abs(film(picture, 3, 5, 0.0).astype(float) - picture).mean() < 3


def test_a_black_picture_is_black_and_a_test_picture_has_few_colours():
    assert black_picture(64, 1, 0).max() < 30
    for seed in range(8):
        pattern = pattern_picture(64, seed)
        assert len(np.unique(pattern.reshape(-1, 3), axis=0)) <= 12
        assert pattern.shape == (64, 64, 3)
        assert pattern.dtype == np.uint8
