"""Statistics of pictures whose values are known."""

import numpy as np
import pytest

from sam2s.quality.frame_statistics import (
    SAMPLES,
    StatisticsMeter,
    sample_picture,
    tile_means,
    unexplained_change,
)


def measure(*images):
    meter = StatisticsMeter()
    return [meter.step(image) for image in images][-1]


def plain(colour, size=(80, 120)):
    return np.full((*size, 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("colour", "tissue", "cool", "blood"),
    [
        ((180, 90, 80), 1, 0, 0),
        ((110, 12, 14), 1, 0, 1),
        ((60, 90, 160), 0, 1, 0),
        ((60, 140, 90), 0, 1, 0),
        ((128, 128, 128), 0, 0, 0),
        ((130, 128, 125), 0, 0, 0),
    ],
)
def test_colours_are_told_apart(colour, tissue, cool, blood):
    statistics = measure(plain(colour))
    assert (statistics.tissue, statistics.cool, statistics.blood) == (tissue, cool, blood)
    assert statistics.saturation == pytest.approx((max(colour) - min(colour)) / max(colour))
    assert statistics.haze == pytest.approx(min(colour) / 255)
    assert statistics.bright == max(colour)


def test_one_colour_is_flat_and_noise_is_not():
    noise = np.random.default_rng(0).integers(0, 255, (80, 120, 3)).astype(np.uint8)
    assert measure(plain(90)).flat == 1
    assert measure(noise).flat < 0.1
    assert measure(plain(90)).contrast == 0
    assert measure(noise).contrast > 0.1


def test_bars_are_columns_and_rows_are_not():
    bars = np.repeat(plain(0)[:1], 80, 0)
    bars[:, ::2] = 255
    bars = np.repeat(bars, 8, 1)
    assert measure(bars).columns == pytest.approx(1)
    assert measure(bars.transpose(1, 0, 2)).columns < 0.01
    assert measure(plain(50)).columns == 0


def test_sharpness_is_one_in_noise_and_nought_in_a_ramp():
    noise = np.random.default_rng(0).integers(0, 255, (200, 640, 3)).astype(np.uint8)
    ramp = np.repeat((np.arange(640) // 3).astype(np.uint8)[None, :, None], 200, 0).repeat(3, 2)
    assert measure(noise).sharpness == pytest.approx(1, abs=0.1)
    assert abs(measure(ramp).sharpness) < 0.05
    assert measure(plain(7)).sharpness == 0


def test_change_is_that_of_nearly_the_whole_picture_and_nought_of_a_repeated_one():
    first, brighter = plain(100), plain(110)
    assert measure(first).change == 255  # there is nothing to compare with
    assert measure(first, first).change == 0
    assert measure(first, brighter).change == pytest.approx(10, abs=1e-3)


def test_a_shift_is_explained_and_another_picture_is_not():
    rng = np.random.default_rng(3)
    world = np.kron(rng.random((20, 20)), np.ones((4, 4))) * 255
    assert unexplained_change(world[8:40, 8:40], world[8:40, 8:40]) == pytest.approx(0, abs=1e-6)
    assert unexplained_change(world[8:40, 8:40], world[6:38, 5:37]) < 0.35
    assert unexplained_change(world[8:40, 8:40], rng.random((32, 32)) * 255) > 0.6
    assert unexplained_change(np.ones((8, 8)), world[:8, :8]) == 0
    assert unexplained_change(rng.random((32, 32)), rng.random((32, 32))) == 0  # noise of a black picture


def test_pixels_beyond_the_border_of_the_scope_do_not_count():
    image = plain((60, 90, 160))
    image[:, :60] = 0
    statistics = measure(image)
    assert statistics.cool == 1
    assert statistics.haze > 0.2


def test_pictures_that_get_dark_still_count_where_they_were_lit():
    lit, dark = plain(120), plain(3)
    assert measure(lit, dark).bright == pytest.approx(3, abs=0.01)
    assert measure(dark).bright == pytest.approx(3, abs=0.01)


def test_a_picture_is_sampled_alike_at_any_size():
    assert sample_picture(np.zeros((1080, 1920, 3), np.uint8)).shape == (67, 120, 3)
    assert sample_picture(np.zeros((40, 30, 3), np.uint8)).shape == (40, 30, 3)
    assert SAMPLES <= len(sample_picture(np.zeros((480, 854, 3), np.uint8))) < 2 * SAMPLES


def test_tiles_are_means_and_small_pictures_have_fewer():
    picture = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    assert tile_means(picture).shape == (32, 32)
    assert tile_means(picture)[0, 0] == pytest.approx(picture[:2, :2].mean())
    assert tile_means(picture[:5, :7]).shape == (5, 7)


def test_a_size_that_changes_begins_anew():
    meter = StatisticsMeter()
    meter.step(plain(90))
    assert meter.step(plain(90, (100, 50))).change == 255
    assert meter.step(plain(90, (2, 2))).sharpness in (0, 1)
