"""Cuts between drawn scenes are found to the frame; motion, flashes and noise are none."""

import numpy as np
import pytest

from sam2s.quality import CutDetector, find_cuts
from sam2s.quality.cuts import correlation, describe_picture
from sam2s.synth import Scene
from sam2s.video import ArraySource


@pytest.fixture(scope="module")
def scenes():
    return [[Scene(seed, 96, 16, drift=0.0).render(t)[0] for t in range(16)] for seed in (3, 4, 5)]


def test_cuts_between_scenes_are_found_to_the_frame(scenes):
    frames = [picture for scene in scenes for picture in scene]
    told = []
    cuts = find_cuts(ArraySource(np.stack(frames), fps=25), report_progress=lambda *at: told.append(at))
    assert cuts == [16, 32]
    assert told[-1] == (48, 48)


def test_one_scene_has_none(scenes):
    assert find_cuts(ArraySource(np.stack(scenes[0]), fps=25)) == []


def test_a_flash_and_a_dimmed_lamp_are_no_cuts(scenes):
    frames = [frame.astype(np.float32) for frame in scenes[1]]
    frames[6] = frames[6] * 1.6 + 20
    frames[10:] = [frame * 0.6 for frame in frames[10:]]
    detector = CutDetector()
    assert not any(detector.step(np.clip(frame, 0, 255).astype(np.uint8)) for frame in frames)


def test_black_pictures_between_scenes_make_two_cuts_at_most(scenes):
    black = [np.zeros_like(scenes[0][0])] * 5
    detector = CutDetector()
    found = [i for i, frame in enumerate([*scenes[0], *black, *scenes[1]]) if detector.step(frame)]
    assert found in ([16, 21], [21], [16])


def test_the_histogram_sums_to_one_and_the_luminance_is_that_of_the_tiles():
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :48] = (255, 0, 0)
    histogram, luminance = describe_picture(image)
    assert histogram.sum() == pytest.approx(1)
    assert (histogram[48], histogram[0]) == (0.5, 0.5)
    assert luminance[0, 0] == pytest.approx(0.299 * 255)
    assert luminance[0, -1] == 0


def test_correlation_ignores_brightness_and_contrast():
    picture = np.random.default_rng(0).random((8, 8))
    assert correlation(picture, 3 * picture + 7) == pytest.approx(1)
    assert correlation(picture, -picture) == pytest.approx(-1)
    flat = np.ones((8, 8))
    assert correlation(flat, 2 * flat) == 1
    assert correlation(flat, picture) == 0
