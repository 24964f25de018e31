"""Simulated prompts: how often each kind is drawn, and where they point."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from sam2s.errors import ConfigError
from sam2s.training.batch import ClipBatch
from sam2s.training.prompting import PromptRules, box_prompt, click, correction, draw_prompts, sample_pixel, start


def batch(frames=8, long_term=0, known=None):
    return ClipBatch(
        images=torch.zeros(1, frames, 3, 1, 1),
        masks=torch.zeros(2, frames, 1, 1, dtype=torch.bool),
        owner=torch.zeros(2, dtype=torch.long),
        long_term=long_term,
        known=torch.ones(2, frames, dtype=torch.bool) if known is None else known,
        category=torch.full((2,), -1),
        times=torch.arange(frames)[None],
    )


def plans(clip, rules=None, count=2000):
    generator = torch.Generator().manual_seed(0)
    return [draw_prompts(generator, clip, rules or PromptRules()) for _ in range(count)]


def test_starts_are_half_masks_a_quarter_boxes_a_quarter_clicks():
    drawn = plans(batch())
    starts = Counter(plan.starts[0] for plan in drawn)
    assert chisquare([starts["mask"], starts["box"], starts["click"]], [1000, 500, 500]).pvalue > 0.001
    for plan in drawn:
        assert next(iter(plan.starts)) == 0
        assert len({kind == "mask" for kind in plan.starts.values()}) == 1
    later = Counter(frame for plan in drawn for frame in plan.starts if frame)
    assert set(later) == set(range(1, 8))
    assert sum(later.values()) == pytest.approx(1000, abs=100)
    assert chisquare(list(later.values())).pvalue > 0.001


def test_one_or_two_frames_are_corrected_the_prompted_ones_among_them():
    for plan in plans(batch(), count=500):
        if plan.starts[0] == "mask":
            assert plan.corrected == ()
        else:
            assert set(plan.starts) <= set(plan.corrected)
            assert len(plan.corrected) in (1, 2)
    counts = Counter((len(p.starts), len(p.corrected)) for p in plans(batch()) if p.corrected)
    assert counts[2, 2] == pytest.approx(500, abs=70)
    assert counts[1, 1] == pytest.approx(250, abs=60)
    assert counts[1, 2] == pytest.approx(250, abs=60)


def test_divemem_clips_are_prompted_and_corrected_on_their_first_frame_alone():
    drawn = plans(batch(long_term=2), count=200)
    assert {tuple(plan.starts) for plan in drawn} == {(0,)}
    assert {plan.corrected for plan in drawn} == {(), (0,)}


def test_pictures_always_start_from_points_and_are_corrected():
    drawn = plans(batch(frames=1), count=200)
    assert {plan.starts[0] for plan in drawn} == {"box", "click"}
    assert {plan.corrected for plan in drawn} == {(0,)}


def test_later_frames_are_prompted_only_where_all_objects_were_looked_for():
    known = torch.ones(2, 8, dtype=torch.bool)
    known[1, [1, 2, 4, 5, 6, 7]] = False
    frames = {frame for plan in plans(batch(known=known), count=200) for frame in (*plan.starts, *plan.corrected)}
    assert frames == {0, 3}


def test_a_frame_is_left_to_be_tracked():
    assert {len(plan.starts) for plan in plans(batch(frames=2), count=50)} == {1}
    assert {len(plan.starts) for plan in plans(batch(frames=3), PromptRules(conditioning=5), count=50)} == {1, 2}


def test_a_seed_means_one_sequence_of_plans():
    assert plans(batch(), count=20) == plans(batch(), count=20)


def test_rules_out_of_range_are_refused():
    with pytest.raises(ConfigError, match=r"prob_box is 1\.5; it is a share, from 0 to 1"):
        PromptRules(prob_box=1.5)
    with pytest.raises(ConfigError, match="conditioning is 0; it must be at least 1"):
        PromptRules(conditioning=0)


def test_pixels_are_drawn_evenly_from_the_region():
    region = torch.zeros(1, 6, 6, dtype=torch.bool)
    region[0, 1, 2:5] = region[0, 5, 5] = region[0, 0, 0] = True
    drawn = sample_pixel(region.expand(5000, -1, -1), torch.Generator().manual_seed(1))
    counts = Counter((int(y), int(x)) for x, y in drawn.tolist())
    assert set(counts) == {(1, 2), (1, 3), (1, 4), (5, 5), (0, 0)}
    assert chisquare(list(counts.values())).pvalue > 0.001


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(8, 40))
def test_prompts_point_at_the_object_and_corrections_at_the_error(seed, size):
    g = torch.Generator().manual_seed(seed)
    masks = torch.zeros(1, size, size, dtype=torch.bool)
    y, x = (int(v) for v in torch.randint(0, size - 4, (2,), generator=g))
    masks[0, y : y + 4, x : x + 3] = True
    coords, labels = start("click", masks, PromptRules(), g)
    cx, cy = coords[0, 0].long().tolist()
    assert masks[0, cy, cx]
    assert labels.tolist() == [[1]]
    corners, labels = start("box", masks, PromptRules(jitter=0), g)
    assert corners[0].tolist() == [[x, y], [x + 2, y + 3]]
    assert labels.tolist() == [[2, 3]]
    predicted = torch.zeros_like(masks)
    predicted[0, y : y + 4, x + 1 : min(size, x + 8)] = True
    coords, labels = correction(predicted, masks, PromptRules(prob_click_from_gt=0), g)
    px, py = coords[0, 0].long().tolist()
    assert predicted[0, py, px] != masks[0, py, px]
    assert labels.item() == int(masks[0, py, px])


def test_where_nothing_is_wrong_the_click_is_off_the_object():
    masks = torch.zeros(50, 6, 6, dtype=torch.bool)
    masks[:, 2:4, 2:5] = True
    coords, labels = click(masks, masks, torch.Generator().manual_seed(0))
    x, y = coords[:, 0].long().unbind(1)
    assert not labels.any()
    assert not masks[0, y, x].any()


def test_a_tenth_of_the_corrections_falls_anywhere_on_the_object():
    """The prediction lacks one pixel of a large object; only a click from the truth can fall elsewhere."""
    masks = torch.ones(3000, 8, 8, dtype=torch.bool)
    predicted = masks.clone()
    predicted[:, 0, 0] = False
    coords, labels = correction(predicted, masks, PromptRules(), torch.Generator().manual_seed(0))
    assert labels.all()
    assert coords.flatten(1).any(1).float().mean().item() == pytest.approx(0.1 * 63 / 64, abs=0.02)


def test_boxes_are_jittered_by_a_tenth_of_their_size_and_twenty_pixels_at_most():
    masks = torch.zeros(2000, 300, 300, dtype=torch.bool)
    masks[:, 50:91, 20:271] = True  # sides of 40 and 250 pixels
    corners = box_prompt(masks, torch.Generator().manual_seed(0)).coords.flatten(1)
    moved = (corners - torch.tensor([20.0, 50.0, 270.0, 90.0])).abs()
    assert moved.amax(0).tolist() == pytest.approx([20, 4, 20, 4], abs=0.2)
    assert moved.mean(0).tolist() == pytest.approx([10, 2, 10, 2], rel=0.05)


def test_the_box_of_an_empty_mask_is_the_corner():
    corners = box_prompt(torch.zeros(1, 9, 9, dtype=torch.bool), torch.Generator()).coords
    np.testing.assert_array_equal(corners.numpy(), np.zeros((1, 2, 2)))
