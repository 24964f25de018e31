"""A tracker's state can be taken and given back; only its methods change it; what is refused changes nothing."""

import ast
from pathlib import Path

import numpy as np
import pytest

import sam2s
from model_tools import nano
from sam2s.errors import PromptError
from sam2s.memory import DiveMemFilter, MemoryBank, MemoryPolicy
from sam2s.tracking import Box, Points, Tracker
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
