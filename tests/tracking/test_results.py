"""What the caller sees of an answer: the mask at source size, its state, the name of the object."""

from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from model_tools import nano
from sam2s.masks import rle
from sam2s.tracking import Mask, ObjectResult, ObjectState, Points, Tracker
from sam2s.tracking.results import name_answers
from sam2s.video import Frame
from tracking_tools import movie

CLICK = Points([(30, 20)])


def result(**changes):
    logits = torch.linspace(-1, 1, 16).repeat(16, 1)
    return ObjectResult(
        **{
            "object_id": 1,
            "low_res_logits": logits,
            "size": (30, 50),
            "iou": 0.9,
            "presence": 0.8,
            "state": ObjectState.VISIBLE,
            **changes,
        }
    )


def test_masks_are_upsampled_bilinearly_and_thresholded_at_zero():
    shown = result()
    large = F.interpolate(shown.low_res_logits[None, None], (30, 50), mode="bilinear", align_corners=False)[0, 0]
    assert np.array_equal(shown.mask, (large > 0).numpy())
    assert shown.mask.dtype == bool
    assert shown.mask is shown.mask
    assert result(low_res_logits=shown.low_res_logits.to(torch.bfloat16)).mask.shape == (30, 50)


def test_a_given_mask_stands_whatever_the_logits_say():
    given = np.eye(30, 50, dtype=bool)
    assert np.array_equal(result(given=rle.encode(given)).mask, given)


def test_frames_keep_their_name_and_their_time():
    tracker = Tracker(nano())
    tracker.add_prompt(object_id=1, prompt=CLICK)
    shown = tracker.step(Frame(movie(1)[0], 7, Fraction(7, 25)))
    assert (shown.index, shown.pts) == (7, Fraction(7, 25))
    assert shown.objects[1].size == (48, 80)
    assert shown.objects[1].object_id == 1


@pytest.mark.parametrize("semantic", ["joint", "reader"])
def test_the_name_is_the_likeliest_of_the_bank(semantic):
    model = nano(semantic=semantic, categories=("hook", "grasper", "snare"))
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    for picture in movie(3):
        shown = tracker.step(picture).objects[1]
        with torch.inference_mode():
            likely = model.semantic_logits(tracker.tracks[1].last[1].cls)[0].softmax(0)
        assert shown.category == model.config.categories[int(likely.argmax())]
        assert shown.category_probability == pytest.approx(float(likely.max()))


WAITS = ("_local_scalar_dense", "is_nonzero", "item")


class Waits(TorchDispatchMode):
    """Counts the numbers that are read on the host one by one."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function._schema.name.split("::")[1] in WAITS
        return function(*args, **(kwargs or {}))


def test_all_objects_of_a_frame_are_named_in_one_transfer_each_as_if_alone():
    model = nano(semantic="reader", categories=("hook", "grasper", "snare"))
    tracker = Tracker(model)
    for number in (1, 2, 3):
        tracker.add_prompt(object_id=number, prompt=Points([(10 * number, 20)]))
    tracker.step(movie(1)[0])
    answers = {number: track.last[1] for number, track in tracker.tracks.items()}
    with torch.inference_mode(), Waits() as waits:
        together = name_answers(model, {**answers, 4: None})
    assert waits.count == 3, "whether each is seen, which the host knows already; names come in one piece"
    assert together.keys() == {1, 2, 3}
    with torch.inference_mode():
        assert all(name_answers(model, {number: answers[number]}) == {number: together[number]} for number in answers)


def test_another_order_of_the_bank_gives_other_names():
    names = []
    for shift in range(3):
        model = nano(semantic="reader", categories=("hook", "grasper", "snare"))
        with torch.no_grad():
            model.text_bank.copy_(model.text_bank.roll(shift, 0))
        tracker = Tracker(model)
        tracker.add_prompt(object_id=1, prompt=CLICK)
        names.append(tracker.step(movie(1)[0]).objects[1].category)
    assert sorted(names) == ["grasper", "hook", "snare"]


def test_an_empty_bank_gives_no_names():
    model = nano(semantic="reader", categories=("hook", "grasper"))
    with torch.no_grad():
        model.text_bank.zero_()
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    shown = tracker.step(movie(1)[0]).objects[1]
    assert (shown.category, shown.category_probability) == (None, None)


CLICK, FIX = Points([(30, 20)]), Points([(50, 30)], [0])


@pytest.fixture(scope="module")
def model():
    return nano()


def frames(count):
    return [Frame(image, index) for index, image in enumerate(movie(count))]


def test_results_tell_how_sure_the_network_was(model):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    tracker.add_prompt(object_id=2, prompt=Mask(np.tri(48, 80, dtype=bool)))
    first, second = frames(2)
    for result in (tracker.step(first).objects[1], *tracker.step(second).objects.values()):
        assert len(result.candidate_ious) == 3
        assert result.iou == max(result.candidate_ious)
        logits = result.low_res_logits
        assert result.stability == pytest.approx(float((logits > 0.05).sum() / (logits > -0.05).sum()))
    masked = Tracker(model)
    masked.add_prompt(object_id=2, prompt=Mask(np.tri(48, 80, dtype=bool)))
    assert masked.step(first).objects[2].candidate_ious is None
