"""An explanation against the tracker it is of: the same mask, all attention accounted for, the bank's own frames."""

import json

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.errors import PromptError
from sam2s.memory import MemoryPolicy
from sam2s.session import VideoSession
from sam2s.session.explain import explain
from sam2s.tracking import Box, ObjectState, Points, Tracker
from tracking_tools import source

ANY = MemoryPolicy(iou_threshold=0.0, candidates=3)
CLICK, BOX = Points([(30, 20)]), Box(4, 4, 40, 30)


@pytest.fixture(scope="module")
def model():
    return nano()


def explained(model, frame, object_id=1, policy=ANY, prompts=None, **options):
    with VideoSession(model, source(20), policy=policy, stride=options.pop("stride", 1)) as session:
        for number, at, prompt in prompts or [(1, 0, CLICK), (2, 0, BOX)]:
            session.add_prompt(frame=at, object_id=number, prompt=prompt)
        return explain(session, frame=frame, object_id=object_id, **options)


def test_it_is_of_the_mask_that_tracking_gives(model):
    tracker, steps = Tracker(model, ANY), []
    for number, prompt in ((1, CLICK), (2, BOX)):
        tracker.add_prompt(object_id=number, prompt=prompt)
    for frame in source(20).frames(0, 14):
        if frame.index == 13:
            read = tracker.tracks[2].bank.recall(13)
        result = tracker.step(frame)
    explanation = explained(model, 13, 2, report_progress=lambda done, total: steps.append((done, total)))
    shown = result.objects[2]
    assert torch.equal(explanation.result.low_res_logits, shown.low_res_logits)
    assert [r.frame for r in explanation.reads] == list(read.times)
    assert [p.frame for p in explanation.pointers] == list(read.pointer_times)
    kinds = {r.kind for r in explanation.reads}
    assert kinds == {"conditioning", "short-term", "long-term"}
    assert steps[-1] == (14, 14)
    chosen = [c for c in explanation.candidates if c.chosen]
    assert len(explanation.candidates) == 3
    assert [c.iou for c in chosen] == [pytest.approx(shown.iou)]
    assert np.array_equal(chosen[0].mask, shown.mask)


def test_all_attention_is_accounted_for(model):
    explanation = explained(model, 13)
    for name in ("share", "share_of_frame"):
        shares = [getattr(read, name) for read in (*explanation.reads, *explanation.pointers)]
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert min(shares) >= 0
    for read in explanation.reads:
        assert read.heat.shape == (4, 4)
        assert read.heat.sum() == pytest.approx(read.share, abs=1e-6)


def test_long_term_frames_that_were_read_are_those_that_were_taken(model):
    explanation = explained(model, 19)
    taken = [decision.frame for decision in explanation.decisions if decision.verdict == "taken"]
    read = [r.frame for r in explanation.reads if r.kind == "long-term"]
    assert read
    assert set(read) <= set(taken)
    assert [decision.frame for decision in explanation.decisions] == list(range(20))
    assert explanation.decisions[0].verdict == "given"


def test_backward_and_by_strides_frames_have_their_own_numbers(model):
    backward = explained(model, 6, prompts=[(1, 18, CLICK)], reverse=True)
    assert [decision.frame for decision in backward.decisions] == list(range(18, 5, -1))
    assert backward.reads[0].frame == 18
    strided = explained(model, 12, stride=4)
    assert [(r.frame, r.kind) for r in strided.reads] == [(0, "conditioning"), (4, "short-term"), (8, "short-term")]
    assert [decision.frame for decision in strided.decisions] == [0, 4, 8, 12]


def test_a_prompt_is_answered_without_memory(model):
    first = explained(model, 0)
    assert (first.result.prompted, first.reads, first.candidates) == (True, (), ())
    assert [decision.verdict for decision in first.decisions] == ["given"]
    later = explained(model, 5, prompts=[(1, 0, CLICK), (1, 5, BOX)])
    assert (later.result.prompted, later.reads) == (True, ())


def test_frames_that_were_not_judged_are_passed_as_they_were(model):
    explanation = explained(model, 8, judged=lambda frame: frame.index not in (4, 5))
    assert [d.verdict for d in explanation.decisions][4:6] == ["not remembered"] * 2
    assert not {4, 5} & {r.frame for r in explanation.reads}
    passed = explained(model, 4, judged=lambda frame: frame.index != 4)
    assert (passed.result.state, passed.reads, passed.candidates) == (ObjectState.NOT_JUDGED, (), ())


def test_memory_is_that_before_the_frame_wherever_the_session_stands(model):
    expected = explained(model, 10)
    with VideoSession(model, source(20), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        session.add_prompt(frame=0, object_id=2, prompt=BOX)
        assert len(list(session.propagate())) == 20
        explanation = explain(session, frame=10, object_id=1, start=10)
    assert [(read.frame, read.kind) for read in explanation.reads] == [(r.frame, r.kind) for r in expected.reads]
    assert [p.frame for p in explanation.pointers] == [p.frame for p in expected.pointers]


def test_an_object_without_a_prompt_is_refused(model):
    with VideoSession(model, source(20), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        session.clear_prompts(frame=0, object_id=1)
        with pytest.raises(PromptError, match="object 1 has no prompt left; give it one with add_prompt first"):
            explain(session, frame=10, object_id=1)


def test_it_is_plain_json(model):
    document = json.loads(json.dumps(explained(model, 7).to_json()))
    assert (document["frame"], document["object"], document["phase"]) == (7, 1, "tracked")
    assert sum(read["share"] for read in document["memory"]) + sum(p["share"] for p in document["pointers"]) == (
        pytest.approx(1, abs=1e-4)
    )
    assert np.shape(document["memory"][0]["heat"]) == (4, 4)
    assert sum(c["chosen"] for c in document["candidates"]) == 1


def test_what_is_not_tracked_there_is_refused(model):
    prompts = [(1, 6, CLICK), (2, 0, BOX)]
    with pytest.raises(PromptError, match="object 1 is not tracked on frame 5; it is from frame 6 on"):
        explained(model, 5, prompts=prompts)
    with pytest.raises(PromptError, match="there is no object 3; tracked objects: 1, 2"):
        explained(model, 5, 3)
    with pytest.raises(PromptError, match="frame 99 is not in"):
        explained(model, 99)
