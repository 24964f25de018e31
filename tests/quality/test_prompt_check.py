"""How far masks of jittered prompts agree."""

import numpy as np
import pytest
import torch

import sam2s
from model_tools import nano
from sam2s.quality import prompt_agreement, prompt_kind, prompt_warning
from sam2s.quality.prompt_check import ADVICE, agreement_with_first, jittered
from sam2s.tracking import Box, Mask, Points
from sam2s.tracking.feature_prefetch import encode
from sam2s.tracking.preprocess import ModelPrompt, convert_prompt
from sam2s.video import Frame
from tracking_tools import movie

FRAME = movie(1)[0]


def converted(prompt, size=64):
    return convert_prompt(prompt, FRAME.shape[:2], size)


def test_kinds_of_prompts():
    assert prompt_kind(converted(Points([(3, 4)]))) == "points"
    assert prompt_kind(converted(Box(1, 2, 30, 40))) == "box"
    assert prompt_kind(converted(Box(1, 2, 30, 40)).then(converted(Points([(3, 4)])))) == "box"
    assert prompt_kind(converted(Mask(np.ones(FRAME.shape[:2], bool)))) == "mask"


def test_a_mask_agrees_with_itself_and_costs_nothing():
    assert prompt_agreement(nano(), None, converted(Mask(np.ones(FRAME.shape[:2], bool)))) == 1.0
    assert prompt_agreement(nano(), None, ModelPrompt()) == 1.0


@pytest.mark.parametrize("prompt", [Points([(40, 20)]), Points([(40, 20), (60, 30)], [1, 0]), Box(20, 10, 60, 40)])
def test_agreement_is_a_share_and_the_same_each_time(prompt):
    network = nano()
    features = encode(network, [Frame(FRAME, 0)])
    first, second = (prompt_agreement(network, features, converted(prompt)) for _ in range(2))
    assert 0 <= first <= 1
    assert first == second


def test_a_click_in_the_middle_of_a_bright_square_is_surer_than_one_on_its_corner():
    network = sam2s.load("micro", image_size=128)
    image = np.full((128, 128, 3), (120, 40, 40), np.uint8)
    image[40:90, 40:90] = (200, 200, 210)
    features = encode(network, [Frame(image, 0)])
    middle, corner = (convert_prompt(Points([(at, at)]), (128, 128), 128) for at in (65, 90))
    sure, unsure = (prompt_agreement(network, features, prompt) for prompt in (middle, corner))
    assert sure > 0.8
    assert unsure < sure


def test_a_click_moves_by_a_hundredth_of_the_picture():
    places = jittered(torch.tensor([[32.0, 16.0], [0.0, 64.0]]), torch.tensor([1, 0]), 64)
    assert places.shape == (9, 2, 2)
    assert torch.allclose(places[:3, 0], torch.tensor([[32.0, 16], [32.64, 16], [31.36, 16]]))
    assert torch.allclose(places[2:4, 1], torch.tensor([[0.0, 64.0], [0.0, 64.0]]))  # none leaves the picture


def test_a_box_moves_and_changes_size_by_a_tenth_of_its_shorter_side_at_most():
    box = torch.tensor([[10.0, 20.0], [14.0, 50.0]])
    moves = jittered(box, torch.tensor([2, 3]), 64) - box
    assert float(moves.abs().max()) == pytest.approx(0.4, abs=1e-5)
    assert torch.allclose(moves[1:5, 0], moves[1:5, 1])
    assert torch.allclose(moves[5:, 0], -moves[5:, 1], atol=1e-5)
    large = torch.tensor([[0.0, 0.0], [60.0, 60.0]])
    assert float((jittered(large, torch.tensor([2, 3]), 64) - large).max()) == pytest.approx(1.28, abs=1e-5)


def test_agreement_is_the_mean_iou_with_the_first_mask():
    masks = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]], dtype=torch.bool)
    assert agreement_with_first(masks) == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert agreement_with_first(torch.zeros(3, 4, dtype=torch.bool)) == 1.0


def test_the_warning_says_what_to_do():
    text = prompt_warning("points", "liver (object 2) on frame 0")
    assert text.startswith("liver (object 2) on frame 0: the mask of the clicks is in doubt, so look at it")
    assert text.endswith(ADVICE["points"])
    assert "clicks alone are known to fail on tissue" in text
    assert "draw the box tighter" in prompt_warning("box", "x")
