"""The backward check: back to where it came from, or not."""

import numpy as np
import pytest

import sam2s
from sam2s.errors import PromptError
from sam2s.quality import backward_agreement
from sam2s.video import Frame


def window(count=5, size=96):
    """A bright block that moves to the right, and its masks."""
    images, masks = np.full((count, size, size, 3), (90, 40, 40), np.uint8), np.zeros((count, size, size), bool)
    for t in range(count):
        masks[t, 30:60, 10 + 3 * t : 45 + 3 * t] = True
        images[t][masks[t]] = (210, 210, 220)
    return [Frame(image, 40 + t) for t, image in enumerate(images)], masks


@pytest.fixture(scope="module")
def network():
    return sam2s.load("micro", image_size=128)


def test_a_mask_that_was_followed_leads_back_and_another_does_not(network):
    frames, masks = window()
    elsewhere = np.zeros_like(masks[0])
    elsewhere[70:90, 60:90] = True
    agreement = backward_agreement(network, frames, {1: masks[0], 2: elsewhere}, {1: masks[-1], 2: masks[-1]})
    assert agreement[1] > 0.8
    assert agreement[2] < 0.1


def test_objects_without_a_mask_on_the_last_frame_are_left_out(network):
    frames, masks = window(2)
    agreement = backward_agreement(network, frames, {1: masks[0], 2: masks[0]}, {1: masks[1], 2: ~masks[1] & masks[1]})
    assert list(agreement) == [1]


def test_nothing_to_track_back_is_said(network):
    frames, masks = window(2)
    with pytest.raises(PromptError, match="nothing to track back over 1 frames with 1 masks"):
        backward_agreement(network, frames[:1], {1: masks[0]}, {1: masks[0]})
    with pytest.raises(PromptError, match="over 2 frames with 0 masks on the last one"):
        backward_agreement(network, frames, {1: masks[0]}, {2: masks[1]})
