"""From source pixels to the network's square: sizes, borders, what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image

from sam2s.errors import PromptError, SourceError
from sam2s.tracking import Box, Mask, Points
from sam2s.tracking.preprocess import (
    MEAN,
    STD,
    ModelPrompt,
    check_picture,
    convert_prompt,
    model_mask,
    normalise,
    resize,
)

SIZE = 48, 80


def test_frames_are_squeezed_with_pillows_bicubic_and_never_filtered_in_vain():
    picture = np.random.default_rng(0).integers(0, 256, (48, 80, 3), np.uint8)
    expected = np.asarray(Image.fromarray(picture).resize((64, 64), Image.Resampling.BICUBIC))
    assert np.array_equal(resize(picture, 64)[0].numpy(), expected)
    square = picture[:, :48]
    assert np.array_equal(resize(square, 48)[0].numpy(), square)


def test_normalising_takes_the_mean_and_the_deviation_of_imagenet():
    grey = normalise(torch.full((1, 2, 2, 3), 127, dtype=torch.uint8))
    assert grey.shape == (1, 3, 2, 2)
    expected = [(127 / 255 - m) / s for m, s in zip(MEAN, STD, strict=True)]
    assert grey[0, :, 0, 0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (4, 4, 1)])
def test_pictures_are_rgb_of_eight_bits(shape):
    with pytest.raises(SourceError, match=r"a frame is uint8 \[H, W, 3\] RGB, got uint8"):
        check_picture(np.zeros(shape, np.uint8))
    with pytest.raises(SourceError, match="got uint16"):
        check_picture(np.zeros((4, 4, 3), np.uint16))


def test_clicks_and_boxes_are_scaled_by_side():
    points = convert_prompt(Points([(40, 12), (80, 48)], [1, 0]), SIZE, 64)
    assert points.coords == ((32.0, 16.0), (64.0, 64.0))
    assert points.labels == (1, 0)
    box = convert_prompt(Box(40, 12, 60, 24), SIZE, 64)
    assert (box.coords, box.labels) == (((32.0, 16.0), (48.0, 32.0)), (2, 3))


def test_a_box_that_sticks_out_is_cut_at_the_border():
    assert convert_prompt(Box(-10, -10, 500, 24), SIZE, 64).coords == ((0.0, 0.0), (64.0, 32.0))


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Points([(81, 5)]), "point 81,5 lies outside the frame of 80x48 pixels"),
        (Points([(5, -1)]), "point 5,-1 lies outside"),
        (Points([(5, 5), (5, 48.5)]), "point 5,48.5 lies outside"),
        (Box(80, 5, 90, 9), "box 80,5,90,9 lies outside the frame of 80x48"),
        (Box(5, -9, 9, 0), "lies outside"),
        (Mask(np.ones((80, 48), bool)), "mask of 48x80 pixels does not fit the frame of 80x48"),
        ([1, 2, 3, 4], "a prompt is Points, Box or Mask, got list"),
    ],
)
def test_prompts_outside_the_frame_are_refused(prompt, message):
    with pytest.raises(PromptError, match=message):
        convert_prompt(prompt, SIZE, 64)


def test_clicks_add_up_and_a_box_or_a_mask_starts_anew():
    click, other = ModelPrompt(((1, 2),), (1,)), ModelPrompt(((3, 4),), (0,))
    assert (click.then(other).coords, click.then(other).labels) == (((1, 2), (3, 4)), (1, 0))
    box, mask = convert_prompt(Box(1, 1, 9, 9), SIZE, 64), convert_prompt(Mask(np.eye(48, 80, dtype=bool)), SIZE, 64)
    assert click.then(box) is box
    assert box.then(click).labels == (2, 3, 1)
    assert click.then(mask) is mask
    corrected = mask.without_mask().then(click)
    assert (corrected.labels, corrected.given, corrected.mask) == ((1,), None, None)


def test_a_mask_keeps_what_was_given_and_gives_the_network_its_own_size():
    array = np.zeros(SIZE, bool)
    array[12:36, 20:60] = True
    prompt = convert_prompt(Mask(array), SIZE, 64)
    assert prompt.mask.shape == (1, 1, 64, 64)
    assert prompt.mask[0, 0, 16:48, 16:48].all()
    assert prompt.mask.sum() == 32 * 32
    assert prompt.mask_holds_pixels
    assert not convert_prompt(Mask(np.zeros(SIZE, bool)), SIZE, 64).mask_holds_pixels


def test_masks_are_reduced_at_a_half():
    """Two rows of four are one of two: what covers half of a pixel belongs to it."""
    array = np.zeros((4, 4), bool)
    array[0] = True
    assert model_mask(Mask(array), (4, 4), 4)[0, 0].tolist() == array.tolist()
    wide = np.zeros((128, 128), bool)
    wide[32:96, 32:96] = True
    assert model_mask(Mask(wide), (128, 128), 64)[0, 0, 16:48, 16:48].all()
