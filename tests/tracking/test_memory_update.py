"""Lost and found in a tracker: memory is left alone in doubt, others too, and a search goes on from a saved state."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.memory import MemoryPolicy, SearchRule
from sam2s.session import VideoSession
from sam2s.session.snapshot import read_snapshot, write_snapshot
from sam2s.tracking import Box, Mask, ObjectState, Points, Tracker, memory_update
from sam2s.tracking.candidate_search import find_candidates
from sam2s.tracking.lost_and_found import Phase
from sam2s.video import Frame
from tracking_tools import bits, movie, same, source

NEVER = SearchRule(take=2.0, learn=2, patience=2, wait=2, every=3, grid=2)
"""Nothing that was lost is ever found."""

SOON = replace(NEVER, take=0.0, margin=1.0)
"""What a search finds first is taken, and so is whatever the network sees of an absent object."""

CLICK, BOX, NOTHING = Points([(30, 20)]), Box(4, 4, 40, 30), Mask(np.zeros((48, 80), bool))


@pytest.fixture(scope="module")
def model():
    return nano()


def policy(rule, kind="divemem"):
    return MemoryPolicy(kind=kind, iou_threshold=0.0, candidates=2, search=rule)


def begun(model, rule, kind="divemem"):
    tracker = Tracker(model, policy(rule, kind))
    tracker.add_prompt(object_id=1, prompt=CLICK)
    return tracker


def expect_much(track):
    """Let an object be used to more evidence than any mask has."""
    track.set_search_state(replace(track.search, usual=100.0, learned=9))


def memory(track):
    bank = track.bank
    return (dict(bank.conditioning), dict(bank.recent), list(bank.long_term))


def test_the_usual_evidence_follows_the_presence_that_weights_calibrate(model):
    usual = []
    for scale, shift in ((1.0, 0.0), (0.25, -1.0)):
        calibrated = nano(presence_scale=scale, presence_shift=shift)
        tracker = begun(calibrated, NEVER)
        tracker.step(movie(2)[0])
        shown = tracker.step(movie(2)[1]).objects[1]
        track = tracker.tracks[1]
        answer = track.last[1]
        appearance, amount = memory_update.weigh_evidence(
            tracker.context(Frame(movie(2)[1], 1), 1), answer, track.search, tracker.settings.rule
        )
        assert appearance is not None
        likeness = track.search.gallery.likeness(appearance)
        assert amount == pytest.approx(float(answer.iou) * shown.presence * likeness, rel=1e-5)
        usual.append(amount)
    assert usual[0] > usual[1]


@pytest.mark.parametrize("kind", ["sam2", "divemem"])
def test_nothing_enters_the_memory_while_an_object_is_uncertain_absent_or_searched_for(model, kind):
    frames = movie(16)
    tracker = begun(model, NEVER, kind)
    for frame in frames[:6]:
        assert tracker.step(frame).objects[1].state is ObjectState.VISIBLE
    track, held = tracker.tracks[1], memory(tracker.tracks[1])
    expect_much(track)
    states = []
    for frame in frames[6:]:
        result = tracker.step(frame).objects[1]
        states.append(result.state.value)
        assert memory(track) == held
        assert track.bank.filter.count == 0
        assert result.mask.any() == (result.state is ObjectState.UNCERTAIN)
    assert states == ["uncertain"] * 2 + ["absent"] * 2 + ["searching"] * 6
    assert result.presence < 1e-4


def test_the_decoder_is_asked_as_often_as_is_stated_and_once_for_all_lost_objects(model):
    asked = []
    decode = model.decode

    def noted(embedding, features, prompt, cls=None):
        asked.append(len(embedding))
        return decode(embedding, features, prompt, cls)

    frames = movie(16)
    tracker = begun(model, NEVER)
    tracker.add_prompt(object_id=2, prompt=BOX)
    for frame in frames[:4]:
        tracker.step(frame)
    for track in tracker.tracks.values():
        expect_much(track)
    model.decode = noted
    try:
        for frame in frames[4:15]:  # two frames of doubt, two of absence, seven of search
            tracker.step(frame)
    finally:
        del model.decode
    assert {track.search.phase for track in tracker.tracks.values()} == {Phase.SEARCHING}
    assert asked.count(NEVER.decoder_calls) == 3  # frames 1, 4 and 7 of the search
    assert sum(asked) == 11 * 2 + 3 * NEVER.decoder_calls


def test_what_a_search_finds_is_taken_and_remembered(model, monkeypatch):
    monkeypatch.setattr(memory_update, "weigh_evidence", lambda *given: (None, 0.0))  # memory alone finds nothing
    frames = movie(4)
    tracker = begun(model, SOON)
    results = [tracker.step(frames[0])]
    track = tracker.tracks[1]
    track.set_search_state(replace(track.search, usual=0.5, learned=9))
    results += [tracker.step(frame) for frame in frames[1:]]
    assert [result.objects[1].state.value for result in results] == ["visible", "absent", "absent", "visible"]
    assert track.bank.recent.keys() == {3}
    context = tracker.context(Frame(frames[3], 3), 3)
    found = find_candidates(SOON, model, context, tracker.settings.rule)
    shown = results[3].objects[1]
    assert shown.mask.any()
    assert any(torch.equal(candidate.answer.logits[0, 0], shown.low_res_logits) for candidate in found)


def test_objects_that_are_tracked_are_the_same_whether_another_is_searched_for_or_not(model):
    frames = movie(16)
    alone = Tracker(model, policy(replace(NEVER, hold=0.0)))
    both = Tracker(model, policy(replace(NEVER, hold=0.0)))
    for tracker in (alone, both):
        tracker.add_prompt(object_id=7, prompt=BOX)
    both.add_prompt(object_id=1, prompt=CLICK)
    for index, frame in enumerate(frames):
        if index == 4:  # a person says that it is not there
            both.add_prompt(object_id=1, prompt=NOTHING)
        one, two = bits(alone.step(frame)), bits(both.step(frame))
        assert same({7: one[7]}, {7: two[7]})
    assert both.tracks[1].search.phase is Phase.SEARCHING


@pytest.mark.parametrize("rule", [NEVER, SOON])
def test_a_search_goes_on_from_a_saved_state_to_the_bit(model, rule, tmp_path):
    frames = movie(14)
    tracker, whole, saved = begun(model, rule), [], {}
    for index, frame in enumerate(frames):
        if index == 4:
            tracker.add_prompt(object_id=1, prompt=NOTHING)
        whole.append(bits(tracker.step(frame)))
        if index in (5, 8, 10):
            write_snapshot(tmp_path / "state", {"tracker": tracker.state_dict()})
            saved[index] = read_snapshot(tmp_path / "state", torch.device("cpu"))["tracker"]
    assert (whole[10][1][3] == "searching") == (rule is NEVER)
    for at, state in saved.items():
        other = Tracker(model)
        other.load_state_dict(state)
        rest = [bits(other.step(frame)) for frame in frames[at + 1 :]]
        assert all(same(a, b) for a, b in zip(whole[at + 1 :], rest, strict=True))


def test_offline_is_streaming_with_a_search_and_a_prompt_ends_it(model):
    video, fixes = source(18), {4: NOTHING, 14: BOX}
    tracker, streamed = begun(model, NEVER), []
    for frame in video.frames():
        if frame.index in fixes:
            tracker.add_prompt(object_id=1, prompt=fixes[frame.index])
        streamed.append(bits(tracker.step(frame)))
    with VideoSession(model, video, policy=policy(NEVER), snapshot_every=3) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        offline = [bits(result) for result in session.propagate(stop=4)]
        session.add_prompt(frame=4, object_id=1, prompt=NOTHING)
        offline += [bits(result) for result in session.propagate(4)]
        assert [result[1][3] for result in offline[12:]] == ["searching"] * 6
        assert all(same(a, b) for a, b in zip(streamed[5:14], offline[5:14], strict=True))
        # A prompt in the middle of the search, whose frame is reached by replay from a snapshot.
        session.add_prompt(frame=14, object_id=1, prompt=BOX)
        assert [result.objects[1].state.value for result in session.propagate(14)] == ["visible"] * 4


def test_without_the_switch_nothing_is_noted(model):
    tracker = Tracker(model, MemoryPolicy(kind="sam2"))
    tracker.add_prompt(object_id=1, prompt=CLICK)
    for frame in movie(6):
        tracker.step(frame)
    search = tracker.tracks[1].search
    assert (search.phase, search.frames, search.gallery.given) == (Phase.TRACKED, 0, ())
