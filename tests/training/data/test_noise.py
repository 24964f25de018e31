"""Labels made worse on purpose: how many, how far, and that whoever reads them again reads the same."""

import numpy as np
import pytest

from sam2s.sasv.fixtures.drawing import SIZE, disc
from sam2s.training.data.noise import Noisy, NoisyVideo
from sam2s.training.data.scenes import EPOCH, Scenes


class Discs:
    """A video of 200 frames: object 1 is a disc on all of them, object 2 is never there."""

    name, frames = "discs", range(200)

    def category(self, object_id):
        return {1: "hook", 2: None}[object_id]

    def cover(self, frame):
        return {1: 0.1}

    def images(self, frames):
        return [np.full((*SIZE, 3), frame, np.uint8) for frame in frames]

    def masks(self, frame, ids):
        return {i: disc(24, 24, 10) if i == 1 else np.zeros(SIZE, bool) for i in ids}

    def problems(self):
        return iter(())


def masks_of(video, object_id=1):
    """By frame, the mask of an object, None where nobody looked."""
    return [video.masks(frame, [object_id]).get(object_id) for frame in video.frames]


def test_without_noise_it_is_the_video_itself():
    video, noisy = Discs(), NoisyVideo(Discs())
    assert (noisy.name, noisy.frames, noisy.category(1)) == ("discs", range(200), "hook")
    assert all(np.array_equal(a, b) for a, b in zip(masks_of(noisy), masks_of(video), strict=True))
    assert [noisy.cover(frame) for frame in (0, 9)] == [{1: 0.1}] * 2
    assert np.array_equal(noisy.images([7, 3]), video.images([7, 3]))
    assert list(noisy.problems()) == []


def test_as_many_masks_are_missing_as_asked_for():
    """Of 200 masks 60, give or take four standard deviations of 6.5."""
    missing = sum(mask is None for mask in masks_of(NoisyVideo(Discs(), missed=0.3)))
    assert abs(missing - 60) < 4 * (200 * 0.3 * 0.7) ** 0.5


def test_those_that_are_missing_are_the_same_however_it_is_said():
    unknown = NoisyVideo(Discs(), missed=0.3, missed_as="unknown")
    absent = NoisyVideo(Discs(), missed=0.3, missed_as="absent")
    for frame, (nothing, empty) in enumerate(zip(masks_of(unknown), masks_of(absent), strict=True)):
        assert (nothing is None) == (not empty.any())
        assert unknown.cover(frame) == absent.cover(frame) == ({} if nothing is None else {1: 0.1})


def test_what_is_absent_in_truth_cannot_be_missed():
    masks = masks_of(NoisyVideo(Discs(), missed=0.9), object_id=2)
    assert all(mask is not None and not mask.any() for mask in masks)


def test_faults_depend_on_video_frame_and_object_alone():
    noisy, again = (NoisyVideo(Discs(), jitter=0.03, missed=0.3) for _ in range(2))
    backwards = [again.masks(frame, [2, 1]).get(1) for frame in reversed(noisy.frames)][::-1]
    for a, b in zip(masks_of(noisy), backwards, strict=True):
        assert (a is None) == (b is None)
        assert a is None or np.array_equal(a, b)


def test_another_video_has_other_faults():
    class Others(Discs):
        name = "others"

    missing = [[mask is None for mask in masks_of(NoisyVideo(v, missed=0.5))] for v in (Discs(), Others())]
    assert missing[0] != missing[1]


@pytest.mark.parametrize("jitter", [0.01, 0.04])
def test_outlines_lie_off_in_proportion_and_masks_keep_their_place(jitter):
    truth = disc(24, 24, 10)
    masks = masks_of(NoisyVideo(Discs(), jitter=jitter))
    wrong = np.mean([(mask ^ truth).sum() for mask in masks])
    # Half the pixels of an outline shift by |d| on either side: about its length times the mean of |d|.
    wanted = 2 * np.pi * 10 * jitter * max(SIZE) * (2 / np.pi) ** 0.5
    assert 0.4 * wanted < wrong < 1.6 * wanted
    assert all(mask[24, 24] for mask in masks[:20]), "the middle of a disc stays inside"
    assert np.mean([mask.sum() for mask in masks]) == pytest.approx(truth.sum(), rel=0.1)
    assert not np.array_equal(masks[0], masks[1])


def test_a_source_of_noisy_videos_is_the_source_in_all_else():
    source = Scenes(32, length=6, weight=2.5)
    noisy = Noisy(source, jitter=0.02, missed=0.25, missed_as="absent")
    assert (noisy.name, noisy.weight, noisy.entries) == ("synthetic", 2.5, ())
    assert noisy.clips(pictures=False) == noisy.clips(pictures=True) == EPOCH
    drawn = noisy.draw(np.random.default_rng(4), pictures=False)
    assert drawn.video.name == source.draw(np.random.default_rng(4), pictures=False).name
    assert (drawn.jitter, drawn.missed, drawn.missed_as) == (0.02, 0.25, "absent")
