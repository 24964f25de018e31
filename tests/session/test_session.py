"""Any frame, both directions: equal to streaming to the bit, and however a frame is reached."""

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.errors import ConfigError, OutputError, PromptError
from sam2s.memory import MemoryPolicy
from sam2s.session import VideoSession
from sam2s.session.events import Event
from sam2s.session.propagation import covering
from sam2s.tracking import Box, Mask, ObjectState, Points, Tracker
from sam2s.tracking.presence import PresenceRule, PresenceState
from tracking_tools import bits, same, source

ANY = MemoryPolicy(iou_threshold=0.0, candidates=3)
NOTHING = Mask(np.zeros((48, 80)))
CLICK, BOX, FIX = Points([(30, 20)]), Box(4, 4, 40, 30), Points([(50, 30)], [0])


@pytest.fixture(scope="module")
def model():
    return nano()


def all_same(a, b):
    return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))


def test_streaming_equals_offline_to_the_bit_with_corrections_and_a_late_object(model):
    video = source(18)
    tracker, streamed = Tracker(model, ANY), []
    tracker.add_prompt(object_id=1, prompt=CLICK)
    for frame in video.frames():
        if frame.index == 9:
            tracker.add_prompt(object_id=2, prompt=BOX)
        result = tracker.step(frame)
        if frame.index == 14:
            tracker.add_prompt(object_id=1, prompt=FIX)
            result = tracker.step(frame)
        streamed.append(bits(result))

    with VideoSession(model, video, policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        offline = [bits(r) for r in session.propagate(stop=9)]
        session.add_prompt(frame=9, object_id=2, prompt=BOX)
        offline += [bits(r) for r in session.propagate(9, 15)]
        fixed = session.add_prompt(frame=14, object_id=1, prompt=FIX)
        assert torch.equal(fixed.low_res_logits, streamed[14][1][0])
        offline += [bits(r) for r in session.propagate(15)]
    assert all_same(streamed[:14] + streamed[15:], offline[:14] + offline[15:])


@pytest.mark.parametrize("every", [4, 100])
def test_prompts_while_a_pass_waits_equal_prompts_between_passes(model, every):
    def halting(session):
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        got = []
        for result in session.propagate():
            got.append(bits(result))
            if result.index == 11:
                session.add_prompt(frame=11, object_id=1, prompt=FIX)
        return got

    def far_away(session):  # the tracker has moved on and must be brought back
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        got = [bits(r) for r in session.propagate()][:12]
        session.add_prompt(frame=11, object_id=1, prompt=FIX)
        return got + [bits(r) for r in session.propagate(12)]

    with (
        VideoSession(model, source(18), policy=ANY) as a,
        VideoSession(model, source(18), policy=ANY, snapshot_every=every) as b,
    ):
        assert all_same(halting(a), far_away(b))


@pytest.mark.parametrize(("every", "most"), [(3, 64), (2, 3)])
def test_reverse_is_the_same_from_any_snapshots(model, every, most):
    def script(session):
        session.add_prompt(frame=10, object_id=1, prompt=CLICK)
        session.add_prompt(frame=10, object_id=2, prompt=BOX)
        got = [bits(r) for r in session.propagate()]
        session.add_prompt(frame=14, object_id=2, prompt=FIX)
        got += [bits(r) for r in session.propagate(12)]
        return got + [bits(r) for r in session.propagate(11, reverse=True)]

    with (
        VideoSession(model, source(18), policy=ANY) as a,
        VideoSession(model, source(18), policy=ANY, snapshot_every=every, max_snapshots=most) as b,
    ):
        assert all_same(script(a), script(b))
        assert (
            len(list(b.folder.glob("*.snapshot"))) == sum(len(run.snapshots) for run in b.propagations) <= max(6, most)
        )


def test_objects_have_results_from_their_prompt_on_in_the_direction_of_the_pass(model):
    with VideoSession(model, source(12), policy=ANY) as session:
        session.add_prompt(frame=2, object_id=1, prompt=CLICK)
        session.add_prompt(frame=7, object_id=2, prompt=BOX)
        session.end_object(frame=9, object_id=1)
        ahead = {r.index: list(r.objects) for r in session.propagate()}
        assert (ahead[2], ahead[6], ahead[7], ahead[8], ahead[9]) == ([1], [1], [1, 2], [1, 2], [2])
        back = {r.index: list(r.objects) for r in session.propagate(reverse=True)}
        assert (max(back), back[7], back[2], back[0]) == (7, [2], [1, 2], [1, 2])


def test_corrections_become_conditioning_frames_and_change_what_follows(model):
    with VideoSession(model, source(12), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        before = [bits(r) for r in session.propagate()]
        fixed = session.add_prompt(frame=6, object_id=1, prompt=FIX)
        after = [bits(r) for r in session.propagate()]
        assert torch.equal(after[6][1][0], fixed.low_res_logits)
        assert not same(after[7], before[7])
        session.clear_prompts(frame=6, object_id=1)
        assert list(session.tracker.tracks[1].bank.conditioning) == [0]


def test_a_correction_taken_back_leaves_no_trace(model):
    with VideoSession(model, source(12), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        before = [bits(r) for r in session.propagate()]
    with VideoSession(model, source(12), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        after = []
        for result in session.propagate():
            after.append(bits(result))
            if result.index == 6:
                session.add_prompt(frame=6, object_id=1, prompt=FIX)
                session.clear_prompts(frame=6, object_id=1)
    assert all_same(before, after)


def test_an_object_begins_anew_when_its_only_prompt_was_taken_back(model):
    with VideoSession(model, source(3), policy=ANY) as session:
        first = session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        before = [bits(r) for r in session.propagate()]
        session.clear_prompts(frame=0, object_id=1)
        assert torch.equal(session.add_prompt(frame=0, object_id=1, prompt=CLICK).low_res_logits, first.low_res_logits)
        assert not session.tracker.tracks[1].pending[0].tracked
        assert all_same(before, [bits(r) for r in session.propagate()])


def test_a_prompt_answers_with_the_state_of_its_own_frame(model):
    rule = PresenceRule(appear=1, vanish=0)  # what is absent never appears again
    with VideoSession(model, source(4), policy=ANY, rule=rule) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        list(session.propagate(stop=2))
        state, before = session.tracker.state_dict(), PresenceState(ObjectState.ABSENT, 9)
        state["tracks"][1]["presence"] = before  # as after frame 1
        session.tracker.load_state_dict(state)
        track = session.tracker.tracks[1]
        assert session.add_prompt(frame=3, object_id=1, prompt=CLICK).state is ObjectState.VISIBLE
        assert track.presence == before


def test_prompts_that_wait_keep_within_the_budget(model):
    with VideoSession(model, source(12), policy=MemoryPolicy(max_conditioning=2)) as session:
        answers = {t: session.add_prompt(frame=t, object_id=1, prompt=CLICK).low_res_logits for t in range(8)}
        pending = session.tracker.tracks[1].pending
        assert [t for t, p in pending.items() if p.embedding is not None] == [0, 7]
        assert [t for t, p in pending.items() if p.entry.map is not None] == [0, 7]
        results = {r.index: r.objects[1].low_res_logits for r in session.propagate(stop=9)}
        assert all(torch.equal(results[t], logits) for t, logits in answers.items())


def test_passes_that_later_ones_went_over_leave_no_snapshots(model):
    with VideoSession(model, source(8), policy=ANY, snapshot_every=2) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        for _ in range(5):
            list(session.propagate())
        list(session.propagate(4))
        assert [run.number for run in session.propagations if run.snapshots] == [4, 5]
        list(session.propagate(6))
        assert (
            len(list(session.folder.glob("*.snapshot"))) == sum(len(run.snapshots) for run in session.propagations) <= 8
        )
        assert session.propagations[4].snapshots == [-1, 1, 3]
        session.add_prompt(frame=2, object_id=1, prompt=FIX)  # what earlier passes computed is still reached
        assert len([*session.propagate(2)]) == 6


@pytest.mark.parametrize("reverse", [False, True])
def test_many_corrections_keep_within_the_budget_of_snapshots(model, tmp_path, reverse):
    length, most = 64, 10
    video = source(length)
    with VideoSession(model, video, policy=ANY, folder=tmp_path, snapshot_every=2, max_snapshots=most) as session:
        for t in range(length - 1, -1, -4) if reverse else range(0, length, 4):
            session.add_prompt(frame=t, object_id=1, prompt=CLICK)
            for _ in session.propagate(t, max(0, t - 12) if reverse else t + 13, reverse=reverse):
                assert len(list(tmp_path.glob("*.snapshot"))) <= most
        assert session.next_frame == (-1 if reverse else length)

    session = VideoSession.reopen(model, video, tmp_path, max_snapshots=most)
    replay, replayed = session._replayable.replay, []

    def counted(*span):
        frames = list(replay(*span))
        replayed.append(len(frames))
        return iter(frames)

    session._replayable.replay = counted
    window = session.tracker.tracks[1].bank.pointer_limit
    for t in range(1, length, 9):
        run = covering(session.propagations, t, 1)
        assert run is not None
        assert list(session._replayable.replay(run, t, t))[-1][0] == t
        session.add_prompt(frame=t, object_id=1, prompt=FIX)
        session.clear_prompts(frame=t, object_id=1)
    assert max(replayed) <= window + 2 * length / most


def test_a_map_that_had_to_leave_comes_back_when_its_frame_is_passed(model):
    policy = MemoryPolicy(kind="sam2", max_conditioning=2)
    with VideoSession(model, source(12), policy=policy) as session:
        answers = {t: session.add_prompt(frame=t, object_id=1, prompt=CLICK).low_res_logits for t in (0, 4, 8)}
        results = {r.index: r.objects[1] for r in session.propagate()}
        assert all(torch.equal(results[t].low_res_logits, logits) for t, logits in answers.items())
        assert len(session.tracker.tracks[1].bank.conditioning) == 2


def test_goes_on_from_its_folder_as_if_nothing_had_happened(model, tmp_path):
    def begin(folder):
        session = VideoSession(model, source(18), policy=ANY, folder=folder, snapshot_every=5)
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        session.add_prompt(frame=0, object_id=2, prompt=BOX)
        return session

    whole = [bits(r) for r in begin(tmp_path / "a").propagate()]
    session = begin(tmp_path / "b")
    for result in session.propagate():
        if result.index == 13:
            break  # killed: the last snapshot is of frame 9
    again = VideoSession.reopen(model, source(18), tmp_path / "b")
    assert again.next_frame == 10
    assert all_same(whole[10:], [bits(r) for r in again.propagate(again.next_frame)])

    session.checkpoint()  # asked to stop: nothing is lost
    again = VideoSession.reopen(model, source(18), tmp_path / "b")
    assert again.next_frame == 14
    assert all_same(whole[14:], [bits(r) for r in again.propagate(again.next_frame)])
    assert [event.kind for event in again.events] == ["prompt", "prompt"]
    assert len(again.propagations) == 1


def test_reopens_with_what_was_done_after_the_last_pass(model, tmp_path):
    def act(session, again=lambda session: session):
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        session.add_prompt(frame=3, object_id=2, prompt=BOX)
        session = again(session)  # prompts but no pass yet
        for result in session.propagate():
            if result.index == 7:
                break
        session.add_prompt(frame=7, object_id=1, prompt=FIX)
        session.add_prompt(frame=5, object_id=2, prompt=CLICK)
        session.end_object(frame=9, object_id=2)
        session = again(session)
        return [bits(r) for r in session.propagate(5)]

    def reopened(session):
        return VideoSession.reopen(model, source(12), session.folder)

    plain = act(VideoSession(model, source(12), policy=ANY, folder=tmp_path / "a"))
    assert all_same(plain, act(VideoSession(model, source(12), policy=ANY, folder=tmp_path / "b"), reopened))
    with pytest.raises(ConfigError, match="was begun with another memory policy"):
        VideoSession.reopen(model, source(12), tmp_path / "b", policy=MemoryPolicy())


def test_stride_counts_time_in_frames_that_are_looked_at(model):
    video = source(18)
    with VideoSession(model, video, policy=ANY, stride=3) as session:
        session.add_prompt(frame=3, object_id=1, prompt=CLICK)
        strided = [(r.index, bits(r)) for r in session.propagate()]
        with pytest.raises(PromptError, match="frame 7 is skipped by stride 3; use frame 6"):
            session.add_prompt(frame=7, object_id=1, prompt=CLICK)
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    streamed = [(f.index, bits(tracker.step(f))) for f in video.frames(3, None, 3)]
    assert [i for i, _ in strided] == [i for i, _ in streamed]
    assert all_same([b for _, b in strided], [b for _, b in streamed])


def test_events_survive_json():
    import json

    import numpy as np

    from sam2s.tracking import Mask

    mask = np.eye(5, 7, dtype=bool)
    for prompt in (CLICK, BOX, FIX, Mask(mask)):
        event = Event("prompt", 1, 3, prompt, False)
        back = Event.from_json(json.loads(json.dumps(event.to_json())))
        if isinstance(prompt, Mask):
            assert np.array_equal(back.prompt.array, mask)
        else:
            assert back == event


def test_refuses_what_cannot_work(model, tmp_path):
    with VideoSession(model, source(6)) as session:
        with pytest.raises(PromptError, match="nothing to track yet"):
            next(session.propagate())
        with pytest.raises(PromptError, match="frame 6 is not in array; frames run from 0 to 5"):
            session.add_prompt(frame=6, object_id=1, prompt=CLICK)
        with pytest.raises(PromptError, match="there is no object 4; tracked objects: none"):
            session.remove_object(object_id=4)
    with pytest.raises(ConfigError, match="stride 0 is too small"):
        VideoSession(model, source(6), stride=0)
    with pytest.raises(OutputError, match="has no session that can be resumed"):
        VideoSession.reopen(model, source(6), tmp_path)


def test_refuses_another_video_or_network(model, tmp_path):
    session = VideoSession(model, source(6), folder=tmp_path)
    session.add_prompt(frame=0, object_id=1, prompt=CLICK)
    list(session.propagate())
    session.checkpoint()
    with pytest.raises(OutputError, match="belongs to another video than array"):
        VideoSession.reopen(model, source(6, seed=4), tmp_path)
    for other in (nano(image_size=96), nano(seed=1)):
        with pytest.raises(OutputError, match="was begun with another network: other weights, image size"):
            VideoSession.reopen(other, source(6), tmp_path)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda s: s.end_object(frame=-5, object_id=1),
            PromptError,
            "object 1 cannot end at frame -5: it is first",
        ),
        (
            lambda s: s.end_object(frame=2, object_id=1),
            PromptError,
            "it is first pointed at on frame 2; give a later",
        ),
        (lambda s: s.end_object(frame=3, object_id=9), PromptError, "there is no object 9; tracked objects: 1"),
        (lambda s: s.end_object(frame="3", object_id=1), PromptError, "frame '3' is not a whole number"),
        (lambda s: s.clear_prompts(frame=99, object_id=1), PromptError, "frame 99 is not in array"),
        (lambda s: s.add_prompt(frame=1.5, object_id=1, prompt=CLICK), PromptError, "frame 1.5 is not a whole number"),
        (lambda s: s.add_prompt(frame=1, object_id=None, prompt=CLICK), PromptError, "object_id None is not a whole"),
        (lambda s: s.add_prompt(frame=1, object_id=1, prompt=(1, 2)), PromptError, "a prompt is Points, Box or Mask"),
        (
            lambda s: s.add_prompt(frame=1, object_id=1, prompt=Points([(99, 9)])),
            PromptError,
            "point 99,9 lies out",
        ),
        (
            lambda s: s.add_prompt(frame=1, object_id=7, prompt=Mask(np.zeros((48, 80)))),
            PromptError,
            "starts object 7 is empty",
        ),
        (lambda s: s.propagate(-3), PromptError, "frames count from 0"),
        (lambda s: s.propagate(stop=-3), PromptError, "frames count from 0"),
        (lambda s: s.propagate("2"), PromptError, "start '2' is not a whole number"),
        (lambda s: s.propagate(float("nan")), PromptError, "start nan is not a whole number"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_call_and_changes_nothing(model, act, error, message):
    with VideoSession(model, source(6), policy=ANY) as session:
        session.add_prompt(frame=2, object_id=1, prompt=CLICK)
        before = [bits(result) for result in session.propagate()]
        with pytest.raises(error, match=message):
            act(session)
        assert len(session.events) == 1
        assert all_same(before, [bits(result) for result in session.propagate()])


def test_numbers_of_numpy_and_torch_go_everywhere(model, tmp_path):
    for folder in (None, tmp_path):
        with VideoSession(
            model,
            source(8),
            policy=ANY,
            folder=folder,
            stride=np.int64(1),
            snapshot_every=np.int32(2),
            max_snapshots=np.int8(9),
        ) as session:
            result = session.add_prompt(
                frame=np.int64(1), object_id=np.uint8(3), prompt=Box(np.array([4, 4, 40, 30.0]))
            )
            assert type(result.object_id) is int
            session.add_prompt(frame=torch.tensor(2), object_id=torch.tensor(4), prompt=CLICK)
            session.end_object(frame=np.float64(5), object_id=np.int16(4))
            session.clear_prompts(frame=np.int64(2), object_id=np.int64(3))
            shown = {r.index: list(r.objects) for r in session.propagate(np.int64(1), np.int64(7))}
            assert shown == {1: [3], 2: [3, 4], 3: [3, 4], 4: [3, 4], 5: [3], 6: [3]}
            session.remove_object(object_id=np.int64(4))
    again = VideoSession.reopen(model, source(8), tmp_path)
    assert [event.object_id for event in again.events] == [3, 4, 4, 4]


@pytest.mark.parametrize("name", ["stride", "snapshot_every", "max_snapshots", "num_frames"])
@pytest.mark.parametrize("value", [0, -1, "2", 1.5, float("nan")])
def test_settings_that_cannot_work_are_refused(model, name, value):
    with pytest.raises(ConfigError, match=name):
        VideoSession(model, source(3), **{name: value})


def test_clearing_where_there_is_no_prompt_changes_nothing(model):
    with VideoSession(model, source(8), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        shown = []
        for result in session.propagate():
            shown.append(bits(result))
            session.clear_prompts(frame=4, object_id=1)
        assert len(session.propagations) == 1
        assert len(session.events) == 1
    with VideoSession(model, source(8), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        assert all_same(shown, [bits(result) for result in session.propagate()])


def test_backward_from_beyond_the_end_begins_at_the_last_frame(model):
    with VideoSession(model, source(5)) as session:
        session.add_prompt(frame=4, object_id=1, prompt=CLICK)
        assert [r.index for r in session.propagate(10**9, reverse=True)] == [4, 3, 2, 1, 0]
        assert [r.index for r in session.propagate(10**9)] == []


def test_a_click_on_a_frame_just_passed_tells_the_state_after_it(model):
    """Hidden for four frames it is occluded; were the frame counted twice, it were absent."""
    inside = np.zeros((48, 80), bool)
    inside[16:32, 24:56] = True
    rule = PresenceRule(appear=1, vanish=1, patience=4)  # hidden after the first frame, whatever the network says
    with VideoSession(model, source(6), policy=ANY, rule=rule) as session:
        session.add_prompt(frame=0, object_id=1, prompt=Mask(inside))
        states = [result.objects[1].state for result in session.propagate(stop=5)]
        assert states == [ObjectState.VISIBLE] + [ObjectState.OCCLUDED] * 4
        for _ in range(2):
            assert session.add_prompt(frame=4, object_id=1, prompt=FIX).state is ObjectState.OCCLUDED
        assert next(session.propagate(5)).objects[1].state is ObjectState.ABSENT


def test_a_click_far_back_tells_the_state_from_the_frame_before_it(model):
    """The state before frame 3 is taken over from the propagation; as if the click had come right behind frame 3."""
    rule = PresenceRule(appear=1.0, vanish=0.0)  # never appears again, never vanishes
    states = []
    for stop in (4, 9):
        with VideoSession(model, source(9), policy=ANY, rule=rule) as session:
            session.add_prompt(frame=0, object_id=1, prompt=CLICK)
            list(session.propagate(stop=stop))
            states.append(session.add_prompt(frame=3, object_id=1, prompt=FIX).state)
    assert states[0] == states[1] == ObjectState.VISIBLE


def test_long_term_memory_is_taken_over_to_a_corrected_frame(model):
    """A click far back leaves the long-term memory as it was behind that frame, and the propagation goes on with it."""
    with VideoSession(model, source(16), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        kept = {}
        for result in session.propagate():
            kept[result.index] = session.tracker.remembered_frames(1)[1]
        assert len(kept[11]) >= 2
        session.add_prompt(frame=12, object_id=1, prompt=FIX)
        assert session.tracker.remembered_frames(1)[1] == kept[11]
        next(session.propagate(12))
        assert session.tracker.remembered_frames(1) == ([0, 12], kept[11])


def test_a_second_click_on_a_frame_replays_nothing(model):
    """What was placed before a frame stays there while clicks on it add up, whatever the object."""
    with VideoSession(model, source(12), policy=ANY, snapshot_every=4) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        session.add_prompt(frame=0, object_id=2, prompt=BOX)
        list(session.propagate())
        session.add_prompt(frame=6, object_id=1, prompt=FIX)
        replayed, replay = [], session._replayable.replay
        session._replayable.replay = lambda *span: replayed.append(span) or replay(*span)
        for _ in range(3):
            session.add_prompt(frame=6, object_id=1, prompt=CLICK)
        list(session.propagate(6, 8))
        assert replayed == []


@pytest.mark.parametrize("most", [2, 3])
def test_the_smallest_budgets_of_snapshots_hold(model, most):
    with VideoSession(model, source(12), policy=ANY, snapshot_every=2, max_snapshots=most) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        for _ in session.propagate():
            assert len(list(session.folder.glob("*.snapshot"))) <= most
        session.add_prompt(frame=6, object_id=1, prompt=FIX)
        assert len([*session.propagate(6)]) == 6
