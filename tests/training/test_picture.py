"""Clips drawn for people: which frames and masks stand where."""

import numpy as np
import pytest
import torch

from clip_tools import clip
from sam2s.training.picture import WIDTH, draw_batch

GAP, CAPTION = 8, 14
CELL = WIDTH + 2 * CAPTION
"""Height of a square frame of the picture with its caption."""


def cells(sheet, columns):
    """The frames of a picture, row by row, without their captions."""
    rows = (sheet.shape[0] - GAP) // (CELL + GAP)
    corners = [(GAP + r * (CELL + GAP), GAP + c * (WIDTH + GAP)) for r in range(rows) for c in range(columns)]
    return [sheet[y : y + WIDTH, x : x + WIDTH].astype(int) for y, x in corners]


def logits_of(masks):
    """What a network would answer that is sure of these masks."""
    return torch.where(masks, 5.0, -5.0)


@pytest.mark.parametrize(("frames", "predicted", "rows"), [(4, None, 1), (3, {}, 2), (1, {}, 2)])
def test_a_column_a_frame_and_a_row_for_what_was_predicted(frames, predicted, rows):
    sheet = draw_batch(clip(frames), predicted)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (rows * (CELL + GAP) + GAP, frames * (WIDTH + GAP) + GAP, 3)


def test_what_was_prompted_with_a_mask_shows_the_true_one():
    true, below = cells(draw_batch(clip(1), {}), 1)
    assert np.array_equal(true, below)


def test_a_right_prediction_is_drawn_as_the_truth():
    batch = clip(2)
    predicted = {t: logits_of(batch.masks[:, t]) for t in range(2)}
    frames = cells(draw_batch(batch, predicted), 2)
    assert all(np.array_equal(frames[t], frames[2 + t]) for t in range(2))


def test_only_the_frames_that_were_predicted_differ():
    batch = clip(3)
    nothing = torch.full((3, 16, 16), -5.0, dtype=torch.bfloat16)
    frames = cells(draw_batch(batch, {1: nothing}), 3)
    same = [np.array_equal(frames[t], frames[3 + t]) for t in range(3)]
    assert same == [True, False, True]


def test_low_resolution_logits_are_drawn_where_they_lie():
    """A quarter of the sixteen by sixteen logits is the same quarter of the picture."""
    batch = clip(1)
    batch.masks[:] = False
    corner = torch.full((3, 16, 16), -5.0)
    corner[0, :8, :8] = 5.0
    true, below = cells(draw_batch(batch, {0: corner}), 1)
    changed = np.abs(true - below).max(-1) > 24
    assert changed[20:90, 20:90].mean() > 0.9
    assert changed[150:, 150:].mean() < 0.2, "nothing but a label may stand there"


def test_the_first_clip_alone_is_drawn():
    """Objects 1 and 2 belong to the second clip; what becomes of them changes nothing."""
    batch = clip(2)
    before = draw_batch(batch)
    batch.masks[1:] = False
    batch.images[1] = 0
    assert np.array_equal(draw_batch(batch), before)
    batch.masks[0] = False
    assert not np.array_equal(draw_batch(batch), before)


def test_names_are_written_and_drawing_changes_no_mask():
    batch = clip(2)
    masks = batch.masks.clone()
    named = draw_batch(batch, {0: torch.full((3, 16, 16), -5.0)}, ["hook", "snare", "needle"])
    plain = draw_batch(batch, {0: torch.full((3, 16, 16), -5.0)})
    assert not np.array_equal(named, plain)
    assert torch.equal(batch.masks, masks)
