"""Compiled once, then never again, whatever comes and goes; and the same masks."""

import pytest
import torch
from torch._dynamo.utils import counters

from model_tools import nano
from sam2s.model.compiled import compile_network
from sam2s.tracking import Box, Points, Tracker
from sam2s.tracking.warm_up import warm_up
from tracking_tools import movie


def track(model, batched, seen=lambda: None):
    tracker, results = Tracker(model, batched=batched), []
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    for index, image in enumerate(movie(30)):
        if index == 8:
            tracker.add_prompt(object_id=2, prompt=Box(4, 4, 40, 30))
        if index == 14:
            tracker.add_prompt(object_id=2, prompt=Points([(50, 30), (60, 40), (10, 10)], [0, 0, 1]))
        if index == 20:
            tracker.remove_object(object_id=1)
            tracker.add_prompt(object_id=3, prompt=Points([(20, 20)]))
        results.append(tracker.step(image))
        seen()
    return results


@pytest.mark.parametrize("batched", ["alone", "same-shape"])
def test_prompts_and_objects_compile_nothing_again(batched):
    torch._dynamo.reset()
    counters.clear()
    model = compile_network(nano(), backend="eager")
    warm_up(model)
    made, graphs = counters["stats"]["unique_graphs"], []
    assert made >= 7, "an encoder, and three parts for one object and for several"
    compiled = track(model, batched, lambda: graphs.append(counters["stats"]["unique_graphs"]))
    assert graphs == [made] * 30
    for a, b in zip(compiled, track(nano(), batched), strict=True):
        assert a.objects.keys() == b.objects.keys()
        for object_id in a.objects:
            torch.testing.assert_close(
                a.objects[object_id].low_res_logits, b.objects[object_id].low_res_logits, atol=1e-4, rtol=0
            )
