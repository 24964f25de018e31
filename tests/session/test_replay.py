"""Corrections and prompts that are taken back: what is remembered of them, whatever the order."""

from dataclasses import replace

import pytest
import torch

from model_tools import nano
from sam2s.errors import PromptError
from sam2s.memory import MemoryPolicy
from sam2s.session import VideoSession
from sam2s.tracking import Points, Tracker
from tracking_tools import bits, same, source

ANY = MemoryPolicy(iou_threshold=0.0, candidates=3)
CLICK, FIX = Points([(30, 20)]), Points([(50, 30)], [0])


@pytest.fixture(scope="module")
def model():
    return nano()


def all_same(a, b):
    return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))


def test_corrections_that_are_answers_are_read_until_their_frame_is_passed_again(model, tmp_path):
    policy = replace(ANY, corrections="answer")
    tracker, streamed = Tracker(model, policy), []
    tracker.add_prompt(object_id=1, prompt=CLICK)
    for frame in source(24).frames():
        result = tracker.step(frame)
        for point in (FIX, CLICK) if frame.index == 17 else ():
            tracker.add_prompt(object_id=1, prompt=point)
            result = tracker.step(frame)
        streamed.append(bits(result))

    with VideoSession(model, source(24), policy=policy, folder=tmp_path, snapshot_every=4) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        before = [bits(r) for r in session.propagate()]
        assert len(session.tracker.remembered_frames(1)[1]) == 4  # the long-term memory is full, and read
        session.add_prompt(frame=17, object_id=1, prompt=FIX)
        twice = session.add_prompt(frame=17, object_id=1, prompt=CLICK)
        assert torch.equal(twice.low_res_logits, streamed[17][1][0])
        assert all_same(streamed[18:], [bits(r) for r in session.propagate(18)])
        assert not same(streamed[18], before[18])
        session.checkpoint()
        session = VideoSession.reopen(model, source(24), tmp_path)
        assert all_same(streamed[18:], [bits(r) for r in session.propagate(18)])
        assert all_same(before[17:], [bits(r) for r in session.propagate(17)])
        assert not session.tracker.tracks[1].corrections


def test_corrections_that_are_answers_keep_within_the_budget(model):
    policy = MemoryPolicy(max_conditioning=2, corrections="answer")
    with VideoSession(model, source(8), policy=policy) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        list(session.propagate())
        for t in range(1, 7):
            session.add_prompt(frame=t, object_id=1, prompt=FIX)
        corrections = session.tracker.tracks[1].corrections
        assert [t for t, p in corrections.items() if p.entry.map is not None] == [5, 6]


@pytest.mark.parametrize("clicks", [(5, 8), (8, 5), (3, 5), (5, 3), (3, 30, 5)])
def test_the_order_of_clicks_does_not_touch_long_term_memory(model, clicks):
    with VideoSession(model, source(32), policy=replace(ANY, candidates=7)) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        list(session.propagate(stop=12))
        for t in clicks:
            session.add_prompt(frame=t, object_id=1, prompt=FIX)
        list(session.propagate(6, 7))
        assert session.tracker.tracks[1].bank.filter.count == 1  # begun anew after frame 5
        session.add_prompt(frame=30, object_id=1, prompt=CLICK)
        list(session.propagate(7, 8))
        assert session.tracker.tracks[1].bank.filter.count == 2


def test_candidates_are_the_same_whichever_click_came_last(model):
    counts = []
    for clicks in ((20, 5), (5, 20), (3, 5), (5, 3)):
        with VideoSession(model, source(24), policy=replace(ANY, candidates=9)) as session:
            session.add_prompt(frame=0, object_id=1, prompt=CLICK)
            list(session.propagate(stop=12))
            for t in clicks:
                session.add_prompt(frame=t, object_id=1, prompt=FIX)
            session._begin(5, reverse=False)
            counts.append(session.tracker.tracks[1].bank.filter.count)
    assert counts[:2] == [4, 4]
    assert counts[2] == counts[3]


@pytest.mark.parametrize("similarity", ["image", "memory"])
def test_another_prompt_takes_the_place_of_the_first_that_was_taken_back(model, similarity):
    with VideoSession(model, source(20), policy=replace(ANY, similarity=similarity)) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        session.add_prompt(frame=4, object_id=1, prompt=CLICK)
        next(session.propagate())
        session.clear_prompts(frame=0, object_id=1)
        list(session.propagate(5))
        bank = session.tracker.tracks[1].bank
        assert list(bank.conditioning) == [4]
        assert bank.long_term


def test_prompts_whose_maps_all_left_are_remembered_again(model):
    with VideoSession(model, source(10), policy=replace(ANY, max_conditioning=2)) as session:
        for t in range(5):
            session.add_prompt(frame=t, object_id=1, prompt=CLICK)
        next(session.propagate())
        assert list(session.tracker.tracks[1].bank.conditioning) == [0, 4]
        for t in (0, 4):
            session.clear_prompts(frame=t, object_id=1)
        assert len(list(session.propagate(8))) == 2
        assert list(session.tracker.tracks[1].bank.conditioning) == [1]


def test_a_far_click_tracks_the_frames_before_it_once(model):
    with VideoSession(model, source(18), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        list(session.propagate())
        encoded = []
        encode = model.encode_image
        model.encode_image = lambda images: encoded.append(len(images)) or encode(images)
        try:
            session.add_prompt(frame=11, object_id=1, prompt=FIX)
        finally:
            del model.encode_image
    assert sum(encoded) == 13  # frames 0 to 11, and the last once more for the click


def test_prompts_past_the_end_of_an_object_are_refused(model):
    with VideoSession(model, source(12), stride=2) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        session.end_object(frame=5, object_id=1)
        with pytest.raises(PromptError, match="frame 6 lies past object 1, which was ended at frame 5; point at"):
            session.add_prompt(frame=6, object_id=1, prompt=FIX)
        session.add_prompt(frame=4, object_id=1, prompt=FIX)


@pytest.mark.parametrize("policy", [ANY, MemoryPolicy(kind="sam2")], ids=["divemem", "sam2"])
def test_a_far_click_refines_what_was_shown_beside_a_fresh_correction(model, monkeypatch, policy):
    """The frame before was corrected since the pass; what the pass showed was made without that."""
    refined = []
    answer_prompt = Tracker.answer_prompt

    def spy(self, *arguments, **keywords):
        refined.append(keywords.get("previous"))
        return answer_prompt(self, *arguments, **keywords)

    monkeypatch.setattr(Tracker, "answer_prompt", spy)
    with VideoSession(model, source(14), policy=policy) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        shown = [result.objects[1].low_res_logits.clone() for result in session.propagate(stop=12)]
        session.add_prompt(frame=5, object_id=1, prompt=FIX)
        list(session.propagate(9, 10))
        session.add_prompt(frame=6, object_id=1, prompt=FIX)
    assert (refined[-1][0, 0] == shown[6]).all()


def test_an_answer_without_its_map_leaves_the_tracked_memory_in_place(model):
    policy = MemoryPolicy(kind="sam2", max_conditioning=2, corrections="answer")
    with VideoSession(model, source(9), policy=policy) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        list(session.propagate(stop=8))
        for frame in (1, 2, 3, 4, 5, 6, 7):
            session.add_prompt(frame=frame, object_id=1, prompt=FIX)
        recent = session.tracker.tracks[1].bank.recent
    assert {frame for frame, entry in recent.items() if entry.map is not None} == {1, 2, 3, 4, 5, 6}
