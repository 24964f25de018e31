"""A tracker's state can be taken and given back; only its methods change it; what is refused changes nothing."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

import sam2s
from model_tools import nano
from sam2s.errors import CheckpointError, ConfigError, PromptError
from sam2s.memory import DiveMemFilter, MemoryBank, MemoryPolicy
from sam2s.tracking import Box, Mask, Points, PresenceRule, Tracker
from sam2s.tracking.object_track import ObjectTrack
from sam2s.video import Frame
from tracking_tools import bits, movie, same

ANY = MemoryPolicy(iou_threshold=0.0, candidates=2)
CLICK, FIX = Points([(30, 20)]), Points([(50, 30)], [0])


@pytest.fixture(scope="module")
def model():
    return nano()


def frames(count):
    return [Frame(image, index) for index, image in enumerate(movie(count))]


@pytest.mark.parametrize("policy", [ANY, MemoryPolicy(corrections="answer", iou_threshold=0.0, candidates=2)])
@pytest.mark.parametrize("batched", ["alone", "same-shape"])
def test_a_restored_tracker_goes_on_to_the_bit(model, policy, batched):
    """At every frame of a stream with corrections, an object that joins and one that ends."""
    rule = PresenceRule(patience=2)

    def acts(tracker, frame):
        if frame.index == 0:
            tracker.add_prompt(object_id=1, prompt=CLICK)
            tracker.add_prompt(object_id=5, prompt=Box(4, 4, 40, 30))
        if frame.index == 6:
            tracker.add_prompt(object_id=2, prompt=Box(4, 4, 40, 30))
            tracker.end_object(object_id=5)
        result = tracker.step(frame)
        if frame.index == 8:
            tracker.add_prompt(object_id=1, prompt=FIX)
            result = tracker.step(frame)
        return bits(result)

    plain = Tracker(model, policy, rule=rule, batched=batched)
    moved = Tracker(model, policy, rule=rule, batched=batched)
    for frame in frames(14):
        state = moved.state_dict()
        moved = Tracker(model)  # made with other settings, which the state replaces
        moved.load_state_dict(state)
        assert same(acts(plain, frame), acts(moved, frame)), frame.index
    assert moved.settings == plain.settings


def test_a_frame_can_be_corrected_after_a_restore(model):
    """The frame's index, and what its memory had been before it, are part of the state."""
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    for frame in frames(5):
        tracker.step(frame)
    restored = Tracker(model)
    restored.load_state_dict(tracker.state_dict())
    last, following = frames(6)[4:]
    for each in (tracker, restored):
        each.add_prompt(object_id=1, prompt=FIX)
    assert same(bits(tracker.step(last)), bits(restored.step(last)))
    assert restored.time == 4
    assert same(bits(tracker.step(following)), bits(restored.step(following)))


def test_a_state_holds_the_prompts_that_wait_and_the_ids_that_are_gone(model):
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=3, prompt=CLICK)
    tracker.remove_object(object_id=3)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    tracker.add_prompt(frame=1, object_id=2, prompt=Mask(np.ones((48, 80), bool)))
    restored = Tracker(model)
    restored.load_state_dict(tracker.state_dict())
    assert [list(restored.step(frame).objects) for frame in frames(2)] == [[1], [1, 2]]
    with pytest.raises(PromptError, match="object 3 was removed"):
        restored.add_prompt(object_id=3, prompt=CLICK)


def test_a_state_does_not_change_with_the_tracker(model):
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    first, *rest = frames(9)
    tracker.step(first)
    state = tracker.state_dict()
    expected = [bits(tracker.step(frame)) for frame in rest]
    for _ in range(2):
        tracker.load_state_dict(state)
        assert all(same(bits(tracker.step(f)), e) for f, e in zip(rest, expected, strict=True))


def test_a_state_of_another_network_is_refused(model):
    state = Tracker(nano(image_size=96)).state_dict()
    with pytest.raises(
        ConfigError, match="made by nano at 96 px in float32, not nano at 64 px in float32; load the same"
    ):
        Tracker(model).load_state_dict(state)


def attributes_of(*classes):
    """Names that the methods of classes assign to `self`."""
    names = set()
    for cls in classes:
        tree = ast.parse(Path(__import__(cls.__module__, fromlist=["x"]).__file__).read_text())
        body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
        for node in ast.walk(body):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
    return names


MUTATORS = {"append", "add", "pop", "update", "clear", "extend", "remove", "setdefault", "insert", "popitem", "discard"}


def test_nobody_else_assigns_to_trackers_objects_and_banks():
    """Reads the whole package: assignments to attributes, to their items, `del`, calls that change a container."""
    base = Tracker.__mro__[1]
    names = attributes_of(Tracker, base, ObjectTrack, MemoryBank, DiveMemFilter) - {"model", "policy", "time"}
    assert {"tracks", "recent", "conditioning", "long_term", "presence", "answers", "end", "anchor", "gone"} <= names
    owners = {"tracker", "track", "bank", "filter", "scratch", "other", "old", "replayed"}
    found = []
    root = Path(sam2s.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            targets = []
            if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
                targets = [node.value if isinstance(node, ast.Subscript) else node]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
                targets = [node.func.value]
            for target in targets:
                if not isinstance(target, ast.Attribute) or target.attr not in names:
                    continue
                holder = ast.unparse(target.value)
                if holder != "self" and holder.split(".")[-1].split("[")[0] in owners | {"tracks"}:
                    found.append(f"{path.relative_to(root)}:{node.lineno} {ast.unparse(target)}")
    assert found == []


def test_a_refused_prompt_after_an_end_changes_nothing(model):
    """The frame was not tracked, so the object that ends after it is still there when it is stepped again."""
    tracker, other = Tracker(model, ANY), Tracker(model, ANY)
    for each in (tracker, other):
        each.add_prompt(object_id=1, prompt=CLICK)
        each.add_prompt(object_id=2, prompt=Box(4, 4, 40, 30))
        each.step(frames(1)[0])
        each.end_object(frame=2, object_id=1)
    state = tracker.state_dict()
    tracker.add_prompt(object_id=2, prompt=Points([(500, 1)]))
    with pytest.raises(PromptError, match="point 500,1 lies outside"):
        tracker.step(frames(3)[2])
    assert tracker.state_dict()["time"] == state["time"]
    assert list(tracker.tracks) == [1, 2]
    for frame in frames(4)[1:]:
        assert same(bits(tracker.step(frame)), bits(other.step(frame)))
    assert list(tracker.tracks) == [2]


def test_no_frame_is_encoded_before_there_is_an_object_or_after_the_last(model, monkeypatch):
    encoded = []
    encode_image = model.encode_image
    monkeypatch.setattr(model, "encode_image", lambda images: encoded.append(len(images)) or encode_image(images))
    tracker = Tracker(model)
    tracker.add_prompt(frame=3, object_id=1, prompt=CLICK)
    shown = [list(tracker.step(frame).objects) for frame in frames(5)]
    assert shown == [[], [], [], [1], [1]]
    assert len(encoded) == 2
    tracker.end_object(object_id=1)
    assert not tracker.step(Frame(movie(1)[0], 5)).objects
    assert len(encoded) == 2
    with pytest.raises(PromptError, match="object 1 was removed or ended"):
        tracker.add_prompt(object_id=1, prompt=CLICK)


def test_prompts_wait_for_the_frame_they_name(model):
    tracker = Tracker(model)
    tracker.add_prompt(frame=np.int64(2), object_id=np.int32(4), prompt=CLICK)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    tracker.add_prompt(frame=1, object_id=1, prompt=FIX)
    tracker.clear_prompts(frame=1, object_id=1)
    results = [tracker.step(frame) for frame in frames(3)]
    assert [sorted(result.objects) for result in results] == [[1], [1], [1, 4]]
    assert [result.objects[1].prompted for result in results] == [True, False, False]
    assert results[2].objects[4].prompted
    with pytest.raises(PromptError, match="frame 1 has passed: a Tracker never returns"):
        tracker.add_prompt(frame=1, object_id=1, prompt=FIX)


def test_a_prompt_whose_frame_never_comes_is_told_and_dropped(model):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    tracker.add_prompt(frame=1, object_id=2, prompt=CLICK)
    first, _, third = frames(3)
    tracker.step(first)
    with pytest.raises(
        PromptError, match="the prompt of object 2 is for frame 1, which was not stepped before frame 2"
    ):
        tracker.step(third)
    assert list(tracker.step(third).objects) == [1]


def test_clearing_all_prompts_of_an_object_leaves_those_of_others(model):
    tracker = Tracker(model)
    for object_id in (1, 2):
        tracker.add_prompt(object_id=object_id, prompt=CLICK)
    tracker.clear_prompts(object_id=1)
    tracker.clear_prompts(object_id=9)
    assert list(tracker.step(frames(1)[0]).objects) == [2]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda t: t.add_prompt(object_id="a", prompt=CLICK), "object_id 'a' is not a whole number"),
        (lambda t: t.add_prompt(object_id=None, prompt=CLICK), "object_id None is not a whole number"),
        (lambda t: t.add_prompt(object_id=1, prompt=[1, 2]), r"a prompt is Points, Box or Mask, got list: \[1, 2\]"),
        (lambda t: t.add_prompt(frame=-1, object_id=1, prompt=CLICK), "frame -1 is not in the video"),
        (lambda t: t.add_prompt(frame=0.5, object_id=1, prompt=CLICK), "frame 0.5 is not a whole number"),
        (lambda t: t.end_object(object_id=9), "there is no object 9; tracked objects: 1"),
        (lambda t: t.end_object(frame=-5, object_id=1), "frame -5 is not in the video; frames count from 0"),
        (lambda t: t.end_object(frame=0, object_id=1), "frame 0 was tracked already; end object 1 at a later one"),
        (lambda t: t.end_object(frame=float("nan"), object_id=1), "frame nan is not a whole number"),
        (lambda t: t.remove_object(object_id=1.5), "object_id 1.5 is not a whole number"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_call_and_changes_nothing(model, act, message):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    first, second = frames(2)
    tracker.step(first)
    with pytest.raises(PromptError, match=message):
        act(tracker)
    assert list(tracker.step(second).objects) == [1]


def test_an_object_may_be_ended_at_a_frame_to_come(model):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    first, *rest = frames(4)
    tracker.step(first)
    tracker.end_object(frame=np.int64(2), object_id=np.uint8(1))
    assert [list(tracker.step(frame).objects) for frame in rest] == [[1], [], []]


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
