"""Augmentation: masks go exactly where the pixels go, all frames of a clip alike."""

import math

import numpy as np
import pytest
import torch

from sam2s.training.data.augment import FILL, Augmentation, augment, recolour, turn

STILL = {"flip": 0.0, "rotation": 0.0, "shear": 0.0, "colour": (0, 0, 0), "grey": 0.0, "frame_colour": (0, 0, 0)}


def clip(frames=3, side=32):
    """An image that is white where the mask is, black elsewhere."""
    g = torch.Generator().manual_seed(0)
    masks = torch.rand(2, frames, side, side, generator=g) > 0.7
    return masks[0][:, None].expand(-1, 3, -1, -1).float(), masks


def rng(seed=0):
    return np.random.default_rng(seed)


def test_nothing_asked_nothing_done():
    images, masks = clip()
    same = augment(images, masks, Augmentation(**STILL), rng())
    assert torch.equal(same[0], images)
    assert torch.equal(same[1], masks)


def test_a_mirror_image_is_exact():
    images, masks = clip()
    flipped = augment(images, masks, Augmentation(**{**STILL, "flip": 1.0}), rng())
    assert torch.equal(flipped[0], images.flip(-1))
    assert torch.equal(flipped[1], masks.flip(-1))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_are_exact(quarters):
    images, masks = clip()
    turned = turn(images, masks, quarters * math.pi / 2, 0.0)
    assert torch.equal(turned[1], masks.rot90(-quarters, (-2, -1)))
    torch.testing.assert_close(turned[0], images.rot90(-quarters, (-2, -1)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("aspect", [1.0, 16 / 9])
def test_masks_go_where_pixels_go(aspect):
    """Away from outlines the turned image is white exactly where the turned mask is."""
    side = 96
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    mask = ((rows - 40) ** 2 + (columns - 60) ** 2 < 400)[None, None]
    images, masks = turn(mask.expand(1, 3, -1, -1).float(), mask, math.radians(20), math.radians(15), aspect=aspect)
    white, black = images[0].min(0).values > 0.99, images[0].max(0).values < 0.01
    assert masks[0, 0][white].all()
    assert not masks[0, 0][black].any()
    assert abs(masks.sum().item() / mask.sum().item() - 1) < 0.02, "rotation and shear keep areas"
    assert white.sum() > 0.8 * mask.sum()


def test_a_turn_keeps_shapes_in_wide_frames():
    """A circle of the source is an ellipse in the square image; turned, it is the same ellipse."""
    side, aspect = 120, 2.0
    rows, columns = torch.meshgrid(torch.arange(side) - 59.5, torch.arange(side) - 59.5, indexing="ij")
    ellipse = (rows**2 + (aspect * columns) ** 2 < 50**2)[None, None]
    turned = turn(torch.zeros(1, 3, side, side), ellipse, math.radians(33), 0.0, aspect=aspect)[1]
    overlap = (turned & ellipse).sum() / (turned | ellipse).sum()
    assert overlap > 0.96


def test_uncovered_corners_are_filled():
    images, masks = clip()
    turned = turn(torch.zeros_like(images), masks, math.radians(45), 0.0)[0]
    torch.testing.assert_close(turned[0, :, 0, 0], torch.tensor(FILL))


def test_a_turn_that_loses_the_object_is_left_out():
    masks = torch.zeros(1, 2, 32, 32, dtype=torch.bool)
    masks[0, :, 0, 0] = True
    images = torch.rand(2, 3, 32, 32)
    same = turn(images, masks, math.radians(25), 0.0)
    assert torch.equal(same[0], images)
    assert torch.equal(same[1], masks)


def test_all_frames_are_treated_alike_but_for_their_own_colours():
    image = torch.rand(1, 3, 24, 24).expand(4, -1, -1, -1)
    masks = torch.ones(1, 4, 24, 24, dtype=torch.bool)
    for seed in range(8):
        out, moved = augment(image, masks, Augmentation(frame_colour=(0, 0, 0)), rng(seed))
        assert torch.equal(out, out[:1].expand_as(out))
        assert torch.equal(moved, moved[:, :1].expand_as(moved))
    out, _ = augment(image, masks, Augmentation(), rng(0))
    assert not torch.equal(out[0], out[1])


def test_colour_changes_by_hand():
    image = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    grey = 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6
    torch.testing.assert_close(recolour(image, 1, 1, 0)[0, :, 0, 0], torch.full((3,), grey))
    torch.testing.assert_close(recolour(image, 1.5, 1, 1)[0, :, 0, 0], torch.tensor([0.3, 0.6, 0.9]))
    torch.testing.assert_close(recolour(image, 1, 0.5, 1)[0, 0, 0, 0], torch.tensor(grey + 0.5 * (0.2 - grey)))


def test_grey_clips_have_no_colour():
    images, masks = torch.rand(2, 3, 8, 8), torch.ones(1, 2, 8, 8, dtype=torch.bool)
    grey, _ = augment(images, masks, Augmentation(**{**STILL, "grey": 1.0}), rng())
    torch.testing.assert_close(grey[:, 0], grey[:, 2])
