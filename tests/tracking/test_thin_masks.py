"""Masks that the network's image cannot hold: said so, with the size that can, and shown as they were given."""

import warnings

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.model import mask_prompt_logits
from sam2s.session import VideoSession
from sam2s.tracking import Box, Mask, Points, Tracker
from sam2s.tracking.preprocess import convert_prompt
from sam2s.tracking.thin_masks import ENOUGH, ThinMaskWarning, _is_thick, share_held, warn_if_too_thin
from tracking_tools import movie, source

NEEDLE = np.zeros((48, 80), bool)
NEEDLE[20, 5:70] = True
SOLID = np.zeros((48, 80), bool)
SOLID[8:40, 10:60] = True


def test_what_is_left_of_a_mask_grows_with_the_image():
    assert share_held(SOLID, 64) > 0.9
    assert share_held(NEEDLE, 64) < 0.1
    assert share_held(NEEDLE, 512) > 0.9


def test_the_warning_names_the_object_and_a_size_that_holds_it():
    with pytest.warns(
        ThinMaskWarning, match=r"mask of object 7 is too thin for the network's image of 64 pixels"
    ) as seen:
        warn_if_too_thin(convert_prompt(Mask(NEEDLE), (48, 80), 64), 64, 7)
    size = int(str(seen[0].message).split("--image-size ")[1].split()[0])
    assert share_held(NEEDLE, size) >= 0.5


@pytest.mark.parametrize("mask", [NEEDLE, SOLID, np.roll(NEEDLE, 13, 0) | np.roll(NEEDLE, 14, 0)])
@pytest.mark.parametrize("side", [64, 128, 256])
def test_the_short_look_never_calls_a_mask_thick_that_is_not_held(mask, side):
    if _is_thick(convert_prompt(Mask(mask), mask.shape, side)):
        assert share_held(mask, side) >= ENOUGH
    assert _is_thick(convert_prompt(Mask(SOLID), SOLID.shape, side))


def test_a_thread_in_a_huge_frame_is_told_to_be_cropped():
    thread = np.zeros((3000, 4000), bool)
    thread[1000, 5:3000] = True
    with pytest.warns(ThinMaskWarning, match="not even --image-size 2048 can: crop the video"):
        warn_if_too_thin(convert_prompt(Mask(thread), thread.shape, 64), 64, 1)


@pytest.mark.parametrize("prompt", [Mask(SOLID), Mask(np.zeros((48, 80), bool)), Box(1, 1, 9, 9), Points([(4, 4)])])
def test_nothing_is_said_of_other_prompts(prompt):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_too_thin(convert_prompt(prompt, (48, 80), 64), 64, 1)


@pytest.mark.filterwarnings("ignore::sam2s.tracking.thin_masks.ThinMaskWarning")
def test_the_given_mask_is_the_result_on_its_own_frame_and_memory_is_the_references():
    model = nano()
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Mask(NEEDLE))
    first, second = movie(2)
    result = tracker.step(first).objects[1]
    assert np.array_equal(result.mask, NEEDLE)
    converted = convert_prompt(Mask(NEEDLE), (48, 80), 64)
    assert torch.equal(result.low_res_logits, mask_prompt_logits(converted.mask)[0, 0])
    assert tracker.step(second).objects[1].given is None


@pytest.mark.filterwarnings("ignore::sam2s.tracking.thin_masks.ThinMaskWarning")
def test_the_given_mask_is_shown_in_every_pass_until_it_is_corrected(tmp_path):
    model = nano()
    with VideoSession(model, source(6), folder=tmp_path) as session:
        assert np.array_equal(session.add_prompt(frame=2, object_id=1, prompt=Mask(NEEDLE)).mask, NEEDLE)
        for reverse in (False, True):
            masks = {r.index: r.objects[1].mask for r in session.propagate(reverse=reverse) if r.objects}
            assert np.array_equal(masks[2], NEEDLE)
        session.checkpoint()
    again = VideoSession.reopen(model, source(6), tmp_path)
    assert np.array_equal(next(again.propagate(2)).objects[1].mask, NEEDLE)
    corrected = again.add_prompt(frame=2, object_id=1, prompt=Points([(30, 20)]))
    assert corrected.given is None
    assert not np.array_equal(corrected.mask, NEEDLE)
