"""All objects of a frame as one batch: same masks but for rounding, one wait for the device, few shapes."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.tracking import Box, Mask, Points, Tracker
from sam2s.tracking.object_segmenter import ObjectSegmenter
from sam2s.tracking.padded_segmenter import PaddedSegmenter
from tracking_tools import movie

WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "item")


def track(batched, frames=30, model=None, seen=lambda tracker: None):
    """Three objects that join one after another, one with a correction; every result."""
    tracker, results = Tracker(model or nano(), batched=batched), []
    for index, frame in enumerate(movie(frames)):
        if index in (0, 4, 11):
            prompt = (Points([(20, 20)]), Box(5, 5, 40, 40), Mask(np.tri(48, 80, dtype=bool)))[(0, 4, 11).index(index)]
            tracker.add_prompt(object_id=index + 1, prompt=prompt)
        if index == 15:
            tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
        results.append(tracker.step(frame).objects)
        seen(tracker)
    return results


@pytest.mark.parametrize("batched", ["padded", "graphs"])
def test_masks_and_scores_are_those_of_one_object_after_another(batched):
    for alone, together in zip(track("alone"), track(batched), strict=True):
        assert alone.keys() == together.keys()
        for i, one in alone.items():
            torch.testing.assert_close(one.low_res_logits, together[i].low_res_logits, atol=1e-3, rtol=1e-4)
            assert (one.iou, one.presence) == pytest.approx((together[i].iou, together[i].presence), abs=1e-5)
            assert one.state == together[i].state


def test_recorded_steps_give_the_very_bits_of_those_that_are_not():
    for padded, recorded in zip(track("padded", 14), track("graphs", 14), strict=True):
        assert all(torch.equal(padded[i].low_res_logits, recorded[i].low_res_logits) for i in padded)


def test_sizes_are_few_however_memories_grow():
    recorded = []
    track("graphs", 56, seen=lambda tracker: recorded.append(tracker._batching.step_graphs.recorded))
    assert recorded[-1] <= 12
    assert recorded[-1] == recorded[40], "nothing is recorded once memories are full"


class Operations(TorchDispatchMode):
    """Names of the operations that run."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function._schema.name.split("::")[1])
        return function(*args, **(kwargs or {}))


def test_a_step_never_waits_for_the_device(monkeypatch):
    """What is recorded as a CUDA graph must not read a number on the host."""
    waits, step = [], PaddedSegmenter._step

    def watched(self, *inputs):
        with Operations() as operations:
            outputs = step(self, *inputs)
        waits.extend(name for name in operations.names if name in WAITS)
        assert "scaled_dot_product_attention" in operations.names
        return outputs

    monkeypatch.setattr(PaddedSegmenter, "_step", watched)
    track("padded", 8)
    assert waits == []


@pytest.mark.parametrize(("batched", "count"), [("alone", 3), ("padded", 1)])
def test_numbers_come_to_the_host_once_for_a_batch(monkeypatch, batched, count):
    calls, to_host = [], ObjectSegmenter.to_host

    def counted(self, context, answers, maps):
        calls.append(context.time)
        answers, entries = to_host(self, context, answers, maps)
        assert {x.device.type for x in (answers.iou, answers.object_logit, answers.stability, answers.extent)} == {
            "cpu"
        }
        return answers, entries

    monkeypatch.setattr(ObjectSegmenter, "to_host", counted)
    track(batched, 24)
    assert calls.count(23) == count, "no prompt is answered on 23"


def test_a_state_keeps_how_objects_are_put_together():
    model = nano()
    tracker = Tracker(model, batched="padded")
    tracker.add_prompt(object_id=1, prompt=Points([(20, 20)]))
    frames = movie(6)
    for frame in frames[:3]:
        tracker.step(frame)
    restored = Tracker(model)
    restored.load_state_dict(tracker.state_dict())
    for frame in frames[3:]:
        there, here = tracker.step(frame), restored.step(frame)
        assert torch.equal(there.objects[1].low_res_logits, here.objects[1].low_res_logits)
    assert isinstance(restored._batching, PaddedSegmenter)


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="batched 'all' is not one of auto, alone, same-shape, padded, graphs"):
        Tracker(nano(), batched="all")
    with pytest.raises(
        ConfigError, match="is an exported network, which cannot read padded memory; choose --batched alone"
    ):
        PaddedSegmenter(ObjectSegmenter(type("Exported", (), {"config": nano().config})(), 16))
