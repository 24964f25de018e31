"""What is found without memory, and when one of it stands out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.errors import ConfigError, PromptError
from sam2s.memory import SearchRule
from sam2s.model import Segmentation, segment_frame
from sam2s.tracking.appearance import Appearance, Gallery
from sam2s.tracking.candidate_search import (
    SAME,
    SearchCandidate,
    choose_candidate,
    find_candidates,
    grid_points,
    mask_iou,
    search_prompts,
)
from sam2s.tracking.feature_prefetch import encode
from sam2s.tracking.frame_context import FrameContext
from sam2s.tracking.presence import PresenceRule
from sam2s.video import Frame
from tracking_tools import movie

RULE = SearchRule(take=0.5, margin=1.5, grid=2)


@pytest.fixture(scope="module")
def model():
    return nano()


@pytest.fixture(scope="module")
def context(model):
    frame = Frame(movie(1)[0], 0)
    return FrameContext(frame, 0, encode(model, [frame]))


def look(angle):
    vector = torch.tensor([np.cos(angle), np.sin(angle)]).float()
    return Appearance((vector,), vector, None)


def thing(places, iou, angle=0.0, presence=20.0, rule=PresenceRule()):  # noqa: B008 - frozen
    mask = torch.zeros(8, dtype=torch.bool)
    mask[places] = True
    answer = Segmentation(torch.zeros(1, 1, 2, 4), torch.tensor([[iou]]), torch.zeros(1, 2), torch.tensor([[presence]]))
    return SearchCandidate(answer, mask, look(angle), rule.probability(answer.object_logit))


GALLERY = Gallery((look(0.0),))


def choose(candidates, taken=(), rivals=None, usual=1.0, rule=RULE):
    return choose_candidate(rule, candidates, GALLERY, usual, list(taken), rivals or {})


def test_the_grid_lies_in_the_middles_of_equal_squares():
    assert grid_points(2, 64)[:, 0].tolist() == [[16, 16], [48, 16], [16, 48], [48, 48]]


def test_one_that_stands_out_is_taken():
    best, other = thing([0, 1], 0.9), thing([5, 6], 0.5)
    chosen, scores = choose([other, best])
    assert chosen is best
    assert scores == pytest.approx([0.5, 0.9])


def test_evidence_is_weighed_by_the_calibrated_presence(model, context):
    calibrated = PresenceRule(scale=0.25, shift=-1.0)
    one = thing([0, 1], 0.8, presence=2.0, rule=calibrated)
    assert one.evidence(GALLERY) == pytest.approx(0.8 / (1 + np.exp(-(0.25 * 2.0 - 1.0))))
    assert one.evidence(GALLERY) < 0.5 < thing([0, 1], 0.8, presence=2.0).evidence(GALLERY)
    assert choose([one])[0] is None, "0.30 of the usual evidence is less than half"
    assert choose([thing([0, 1], 0.8, presence=2.0)])[0] is not None
    with torch.inference_mode():
        plain, other = (find_candidates(RULE, model, context, rule) for rule in (PresenceRule(), calibrated))
    for a, b in zip(plain, other, strict=True):
        logit = float(a.answer.object_logit)
        assert a.presence == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-5)
        assert b.presence == pytest.approx(1 / (1 + np.exp(1.0 - 0.25 * logit)), rel=1e-5)


def test_none_is_taken_of_two_that_are_alike_but_parts_of_one_thing_are_no_rivals():
    best = thing([0, 1], 0.9)
    assert choose([best, thing([5, 6], 0.7)])[0] is None
    assert choose([best, thing([1, 2], 0.7)])[0] is best


def test_none_is_taken_that_has_too_little_evidence():
    assert choose([thing([0], 0.49)])[0] is None
    assert choose([thing([0], 0.9, angle=1.2)])[0] is None  # its cosine is 0.36
    assert choose([thing([0], 0.9, presence=-1.0)])[0] is None
    assert choose([])[0] is None


def test_what_lies_in_a_tracked_object_is_that_object():
    best, other = thing([0, 1], 0.9), thing([5, 6], 0.7)
    chosen, scores = choose([best, other], taken=[thing([1, 2, 3], 1.0).mask])
    assert chosen is other
    assert scores[0] == 0


def test_what_is_more_like_another_lost_object_is_left_to_it():
    ours, theirs = look(0.5), look(0.4)
    candidate = thing([0], 0.9, angle=0.3)
    gallery = Gallery((ours,))
    assert choose_candidate(RULE, [candidate], gallery, 1.0, [], {2: Gallery((theirs,))})[0] is None
    assert choose_candidate(RULE, [candidate], gallery, 1.0, [], {2: Gallery((look(2.0),))})[0] is candidate


def test_candidates_are_what_the_decoder_answers_without_memory_each_thing_once(model, context):
    rule = replace(RULE, grid=5)  # more prompts than go through the decoder together
    candidates = find_candidates(rule, model, context, PresenceRule())
    points = grid_points(5, model.image_size)
    bare = model.without_memory(context.features.embedding).expand(25, -1, -1, -1)
    direct = segment_frame(
        model,
        context.features,
        (bare, model.first_cls(25)),
        objects=25,
        points=(points, torch.ones(25, 1, dtype=torch.long)),
    )
    assert 1 <= len(candidates) <= 25
    for candidate in candidates:
        near = (direct.logits - candidate.answer.logits).abs().amax((1, 2, 3))
        assert near.min() < 1e-3
    ious = [float(c.answer.iou) for c in candidates]
    assert ious == sorted(ious, reverse=True)
    pairs = [(a, b) for i, a in enumerate(candidates) for b in candidates[:i]]
    assert all(mask_iou(a.mask, b.mask) < SAME for a, b in pairs)


def test_a_plug_in_says_where_to_ask_instead(model, context, tmp_path):
    plug_in = tmp_path / "boxes.py"
    plug_in.write_text(
        "from sam2s.tracking.proposers import Proposal\n"
        "def propose(frame):\n"
        "    assert frame.shape == (48, 80, 3)\n"
        "    return [Proposal((0, 0, 40, 24), score=0.1), Proposal((40, 24, 80, 99), score=0.9)]\n"
        "def nothing(frame):\n    return []\n"
        "def wrong(frame):\n    return [Proposal((5, 5, 1, 9))]\n"
    )
    rule = replace(RULE, proposer=f"{plug_in}:propose")
    points, labels = search_prompts(rule, model, context)
    assert points.tolist() == [[[32, 32], [64, 64]], [[0, 0], [32, 32]]]  # the best first, in the network's pixels
    assert labels.tolist() == [[2, 3], [2, 3]]
    assert find_candidates(rule, model, context, PresenceRule())
    assert find_candidates(replace(RULE, proposer=f"{plug_in}:nothing"), model, context, PresenceRule()) == []
    with pytest.raises(PromptError, match="x0 < x1 and y0 < y1 must hold"):
        find_candidates(replace(RULE, proposer=f"{plug_in}:wrong"), model, context, PresenceRule())
    with pytest.raises(ConfigError, match="has no function absent"):
        find_candidates(replace(RULE, proposer=f"{plug_in}:absent"), model, context, PresenceRule())
