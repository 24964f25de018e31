"""What the network is asked for one object on one frame, and what is remembered of its answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.errors import CheckpointError
from sam2s.memory import MemoryBank, MemoryPolicy
from sam2s.model import condition_features, make_memory, segment_frame, segment_from_mask
from sam2s.tracking import Box, Mask, Points, Tracker
from sam2s.tracking.feature_prefetch import encode
from sam2s.tracking.frame_context import FrameContext
from sam2s.tracking.object_segmenter import ObjectSegmenter
from sam2s.tracking.preprocess import convert_prompt
from sam2s.video import Frame
from tracking_tools import movie

SIZE = (48, 80)


@pytest.fixture(scope="module")
def model():
    return nano()


@pytest.fixture(scope="module")
def contexts(model):
    frames = [Frame(image, index) for index, image in enumerate(movie(4))]
    return [FrameContext(frame, frame.index, encode(model, [frame])) for frame in frames]


def points(prompt):
    return convert_prompt(prompt, SIZE, 64)


@torch.inference_mode()
def recalled(model, contexts, prompt=None):
    """The memory of an object that was pointed at on frame 0 and found on frame 1."""
    segmenter, bank = ObjectSegmenter(model, 16), MemoryBank(MemoryPolicy(kind="sam2"))
    first = segmenter.segment_prompt(contexts[0], points(prompt or Points([(30, 20)])), recall=None, previous=None)
    bank.add_conditioning(first.entry, contexts[0].features.embedding)
    found = segmenter.segment_from_memory(contexts[1], [bank.recall(1)])[0]
    bank.add_tracked(found.entry, contexts[1].features.embedding)
    return bank.recall(2)


@torch.inference_mode()
@pytest.mark.parametrize("prompt", [Points([(30, 20)]), Points([(30, 20), (50, 30)], [1, 0]), Box(4, 4, 40, 30)])
def test_a_first_prompt_is_answered_from_the_frame_alone(model, contexts, prompt):
    features = contexts[0].features
    given = points(prompt)
    answer = ObjectSegmenter(model, 16).segment_prompt(contexts[0], given, recall=None, previous=None).answer
    conditioned = condition_features(model, features, None, 1)
    expected = segment_frame(model, features, conditioned, objects=1, points=given.tensors(model.device))
    assert torch.equal(answer.logits, expected.logits)
    assert torch.equal(answer.candidate_ious, expected.decoded.ious[:, 1:])
    assert answer.decoded is None


@torch.inference_mode()
def test_a_prompt_on_a_tracked_frame_reads_the_memory_and_refines_what_was_shown(model, contexts):
    recall, given = recalled(model, contexts), points(Points([(30, 20)]))
    segmenter, shown = ObjectSegmenter(model, 16), torch.randn(1, 1, 16, 16) * 100
    plain = segmenter.segment_prompt(contexts[2], given, recall=None, previous=None).answer
    remembered = segmenter.segment_prompt(contexts[2], given, recall=recall, previous=None).answer
    refined = segmenter.segment_prompt(contexts[2], given, recall=recall, previous=shown).answer
    clamped = segmenter.segment_prompt(contexts[2], given, recall=recall, previous=shown.clamp(-32, 32)).answer
    assert not torch.equal(plain.logits, remembered.logits)
    assert not torch.equal(remembered.logits, refined.logits)
    assert torch.equal(refined.logits, clamped.logits)


@torch.inference_mode()
def test_a_mask_is_its_own_answer_whatever_is_remembered(model, contexts):
    mask = points(Mask(np.tri(*SIZE, dtype=bool)))
    segmenter, recall = ObjectSegmenter(model, 16), recalled(model, contexts)
    found = segmenter.segment_prompt(contexts[2], mask, recall=recall, previous=torch.ones(1, 1, 16, 16))
    assert torch.equal(found.answer.logits, segment_from_mask(model, contexts[2].features, mask.mask).logits)
    assert found.entry.iou == 1
    assert found.entry.visible


@torch.inference_mode()
def test_memory_of_a_prompted_frame_is_made_of_the_thresholded_mask(model, contexts):
    segmenter, context = ObjectSegmenter(model, 16), contexts[0]
    found = segmenter.segment_prompt(context, points(Points([(30, 20)])), recall=None, previous=None)
    sharper = replace(found.answer, logits=found.answer.logits * 3)
    assert torch.equal(segmenter.compute_memory(context, sharper, prompted=True)[0].map, found.entry.map)
    soft = segmenter.compute_memory(context, found.answer, prompted=False)[0]
    again = segmenter.compute_memory(context, found.answer, prompted=True)[0]
    assert torch.equal(again.map, found.entry.map)
    assert not torch.equal(soft.map, found.entry.map)
    assert (again.time, again.iou, again.visible) == (0, float(found.answer.iou), True)


@torch.inference_mode()
def test_objects_in_one_batch_own_their_maps(model, contexts):
    """One object may keep its map for hours: it must not keep those of the others."""
    recall = recalled(model, contexts)
    found = ObjectSegmenter(model, 16).segment_from_memory(contexts[2], [recall, recall, recall])
    assert len(found) == 3
    for each in found:
        assert each.entry.map.untyped_storage().nbytes() == each.entry.map.nbytes
        assert torch.equal(each.answer.logits, found[0].answer.logits)
        assert each.answer.logits.shape == (1, 1, 16, 16)
        assert each.answer.stability.shape == (1,)


@torch.inference_mode()
def test_distances_of_pointers_are_divided_by_one_less_than_the_limit(model, contexts):
    recall = recalled(model, contexts)
    assert recall.distances == (2, 1)
    seen = []
    attend = model.attend
    model.attend = lambda embedding, memory: seen.append(memory) or attend(embedding, memory)
    try:
        for limit in (16, 5, 1):
            ObjectSegmenter(model, limit).segment_from_memory(contexts[2], [recall])
    finally:
        del model.attend
    distances = [memory.distances.flatten().tolist() for memory in seen]
    assert distances[0] == pytest.approx([2 / 15, 1 / 15])
    assert distances[1:] == [[0.5, 0.25], [2, 1]]
    assert seen[0].pointers.shape == (1, 2, 64)
    assert seen[0].slots == (6, 0)


@torch.inference_mode()
def test_maps_may_be_kept_in_half_the_bytes(model, contexts):
    segmenter = ObjectSegmenter(model, 16, map_dtype=torch.bfloat16)
    entry = segmenter.segment_prompt(contexts[0], points(Points([(30, 20)])), recall=None, previous=None).entry
    assert entry.map.dtype == torch.bfloat16
    assert entry.pointer.dtype == torch.float32


def test_memory_without_pointers_has_the_width_of_the_network(model):
    maps = [torch.zeros(2, 32, 4, 4)]
    memory = make_memory(model, maps, [6], [], torch.zeros(0), 16)
    assert memory.pointers.shape == (2, 0, 64)
    assert memory.maps.shape == (2, 1, 32, 4, 4)


CLICK, FIX = Points([(30, 20)]), Points([(50, 30)], [0])


def frames(count):
    return [Frame(image, index) for index, image in enumerate(movie(count))]


@pytest.mark.parametrize("layer", ["iou_prediction_head", "pred_obj_score_head", "output_hypernetworks_mlps"])
def test_a_network_that_answers_nan_stops(layer):
    model = nano()
    with torch.no_grad():
        for name, parameter in model.sam_mask_decoder.named_parameters():
            if layer in name:
                parameter.fill_(float("nan"))
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    with pytest.raises(
        CheckpointError, match="network nano answered NaN or infinity on frame 0: its weights are damaged"
    ):
        tracker.step(frames(1)[0])


def test_nan_on_a_tracked_frame_stops_too():
    model = nano()
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    first, second = frames(2)
    tracker.step(first)
    with torch.no_grad():
        model.memory_attention.norm.weight.fill_(float("nan"))
    with pytest.raises(CheckpointError, match="on frame 1"):
        tracker.step(second)
