"""Every protocol, with a tiny network of random weights."""

import numpy as np
import pytest
import torch

import sam2s
from evaluation_tools import SIZE, TinyVideo
from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.evaluation import protocols
from sam2s.evaluation.clicks import error_click
from sam2s.evaluation.measures import jaccard
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.protocols import correction, first_prompt, track
from sam2s.evaluation.result_files import identity
from sam2s.evaluation.rules import Prompting
from sam2s.memory import MemoryPolicy
from sam2s.session import VideoSession
from sam2s.tracking import Box, Points, Tracker
from sam2s.tracking.results import ObjectResult, ObjectState
from sam2s.video import ArraySource

SIDE = 64
POLICY = MemoryPolicy()


@pytest.fixture(scope="module")
def model():
    return nano()


@pytest.fixture
def given(monkeypatch):
    """The prompts that trackers and sessions are given: (object, prompt)."""
    found = []
    for owner in (Tracker, VideoSession):
        real = owner.add_prompt

        def add(self, *, object_id, prompt, _real=real, **kwargs):
            found.append((object_id, prompt))
            return _real(self, object_id=object_id, prompt=prompt, **kwargs)

        monkeypatch.setattr(owner, "add_prompt", add)
    return found


@pytest.mark.parametrize("protocol", list(Prompting))
def test_each_object_is_tracked_from_its_first_appearance(model, protocol):
    results = list(track(model, POLICY, TinyVideo(), protocol, rounds=3))
    assert [result.index for result in results] == list(range(6))
    assert [list(result.objects) for result in results] == [[1], [1], [1, 2], [1, 2], [1, 2], [1, 2]]
    if not protocol.interactive:
        prompted = [[i for i, item in result.objects.items() if item.prompted] for result in results]
        assert prompted == [[1], [], [2], [], [], []]


@pytest.mark.parametrize("protocol", [Prompting.BOX, Prompting.OFFLINE])
def test_objects_that_go_through_the_network_together_have_the_same_masks(model, protocol):
    alone = list(track(model, POLICY, TinyVideo(), protocol, rounds=2, batched="alone"))
    together = list(track(model, POLICY, TinyVideo(), protocol, rounds=2, batched="padded"))
    for one, other in zip(alone, together, strict=True):
        for number, answer in one.objects.items():
            torch.testing.assert_close(
                answer.low_res_logits, other.objects[number].low_res_logits, atol=1e-3, rtol=1e-4
            )


def test_results_of_another_batching_are_others():
    run = EvalRun("row", "sam2s", Prompting.BOX)
    found = [identity(run, EvalSettings(batched=batched)).get("batched") for batched in ("auto", "padded")]
    assert found == [None, "padded"]
    with pytest.raises(ConfigError, match="batched 'all' is not one of auto"):
        EvalSettings(batched="all")


@pytest.mark.parametrize("protocol", [Prompting.CLICK_1, Prompting.CLICK_3, Prompting.CLICK_5])
def test_number_of_clicks(model, given, protocol):
    list(track(model, POLICY, TinyVideo(), protocol))
    assert [object_id for object_id, _ in given].count(1) == protocol.clicks
    assert given[0][1].labels == (1,)


def test_an_object_is_tracked_as_if_alone(model):
    class Alone(TinyVideo):
        objects = {2: "tiny"}  # noqa: RUF012

        def truth(self, frame):
            return {i: mask for i, mask in super().truth(frame).items() if i == 2}

    together = list(track(model, POLICY, TinyVideo(), Prompting.CLICK_3))
    alone = list(track(model, POLICY, Alone(), Prompting.CLICK_3))
    for a, b in zip(together[2:], alone[2:], strict=True):
        assert torch.equal(a.objects[2].low_res_logits, b.objects[2].low_res_logits)


def test_frames_before_the_first_object_show_nothing(model):
    class Late(TinyVideo):
        objects = {1: "tiny"}  # noqa: RUF012

        def truth(self, frame):
            return {1: self.scene[1][frame] == 2}

    for protocol in (Prompting.CLICK_1, Prompting.OFFLINE):
        results = list(track(model, POLICY, Late(), protocol, rounds=2))
        assert [list(result.objects) for result in results] == [[], [], [1], [1], [1], [1]]


def test_online_corrects_only_what_is_bad(model, given, monkeypatch):
    list(track(model, POLICY, TinyVideo(), Prompting.ONLINE, rounds=3))
    clicks = [object_id for object_id, _ in given].count(1)
    assert clicks == 3 * 3  # a random network is bad everywhere: the first frame and two more
    given.clear()
    monkeypatch.setattr(protocols, "GOOD_ENOUGH", 0.0)
    list(track(model, POLICY, TinyVideo(), Prompting.ONLINE, rounds=3))
    assert [object_id for object_id, _ in given].count(1) == 3


def test_offline_goes_back_to_the_worst_frame(model, monkeypatch):
    frames = []
    real = VideoSession.add_prompt

    def add(self, *, frame, object_id, **kwargs):
        frames.append((object_id, frame))
        return real(self, frame=frame, object_id=object_id, **kwargs)

    monkeypatch.setattr(VideoSession, "add_prompt", add)
    first = list(track(model, POLICY, TinyVideo(), Prompting.OFFLINE, rounds=1))
    assert set(frames) == {(1, 0), (2, 2)}
    video = TinyVideo()
    j = {}
    for t in (0, 1, 2, 4, 5):
        mask, truth = first[t].objects[1].mask, video.truth(t)[1]
        j[t] = (mask & truth).sum() / (mask | truth).sum()
    frames.clear()
    list(track(model, POLICY, video, Prompting.OFFLINE, rounds=2))
    assert [frame for object_id, frame in frames if object_id == 1] == [0] * 3 + [min(j, key=j.get)] * 3


def test_first_prompts():
    mask = np.zeros(SIZE, bool)
    mask[10:20, 14:42] = True
    assert np.array_equal(first_prompt(Prompting.MASK, mask, SIDE).array, mask)
    box = first_prompt(Prompting.BOX, mask, SIDE)
    assert isinstance(box, Box)
    assert (box.x0, box.y0) == (14, 10)  # 16 of 64 columns, 16 of 64 rows
    assert box.x1 == 47 * 56 / 64
    assert box.y1 == 31 * 40 / 64
    for protocol in (Prompting.CLICK_1, Prompting.ONLINE):
        ((x, y),) = first_prompt(protocol, mask, SIDE).coords
        assert mask[int(y), int(x)]


@pytest.mark.parametrize("protocol", [Prompting.BOX, Prompting.CLICK_1])
def test_an_object_too_small_for_the_network_is_shown_where_it_is(protocol):
    mask = np.zeros((640, 640), bool)
    mask[301, 17] = True
    prompt = first_prompt(protocol, mask, SIDE)
    x, y = prompt.coords[0] if isinstance(prompt, Points) else (prompt.x0, prompt.y0)
    assert abs(x - 17) <= 10
    assert abs(y - 301) <= 10


def test_correction_is_the_rule_at_the_networks_resolution():
    truth = np.zeros((SIDE, SIDE), bool)
    truth[8:40, 8:40] = True
    logits = torch.full((SIDE // 4, SIDE // 4), -5.0)
    logits[2:4, 2:10] = 5.0
    shown = ObjectResult(1, logits, truth.shape, 0.9, 1.0, ObjectState.VISIBLE)
    click = error_click(truth, shown.mask)
    assert correction(truth, shown, SIDE) == Points([(click.x, click.y)], [click.label])
    assert correction(shown.mask, shown, SIDE) is None


@pytest.fixture(scope="module")
def micro():
    return sam2s.load("micro", device="cpu")


FIRST = {Prompting.BOX: Box(3.9375, 5.9375, 21.875, 21.875)}
CLICKS = {"1-click": 1, "3-click": 3, "5-click": 5, "box": 0, "mask": 0, "offline": 6, "online": 3}


@pytest.mark.parametrize("protocol", list(Prompting))
def test_bundled_weights_follow_a_plain_block(micro, given, protocol):
    """Each kind of prompt end to end: what is given, what it takes, and that the mask stays on the block."""
    video, log = TinyVideo(), protocols.InteractionLog()
    results = list(track(micro, POLICY, video, protocol, 2, log))
    j = [jaccard(results[t].objects[1].mask, video.truth(t)[1]) for t in (0, 1, 2, 4, 5)]
    assert np.mean(j) > 0.8
    first = next(prompt for object_id, prompt in given if object_id == 1)
    if protocol is Prompting.MASK:
        assert np.array_equal(first.array, video.truth(0)[1])
    else:
        assert first == FIRST.get(protocol, Points([(12.90625, 12.34375)], [1]))
    assert log.clicks.get(1, 0) == CLICKS[protocol]
    assert len(log.first[1]) == max(protocol.clicks, 1)
    assert log.first[1][-1] == j[0]


def test_of_frames_equally_bad_the_first_is_corrected(model, monkeypatch):
    """Offline; every answer counts as equally wrong."""
    frames = []
    real = VideoSession.add_prompt

    def add(self, *, frame, object_id, prompt, **kwargs):
        frames.append((object_id, frame))
        return real(self, frame=frame, object_id=object_id, prompt=prompt, **kwargs)

    monkeypatch.setattr(VideoSession, "add_prompt", add)
    monkeypatch.setattr(protocols, "jaccard", lambda mask, truth: 0.5)
    list(track(model, POLICY, TinyVideo(), Prompting.OFFLINE, rounds=2))
    assert {object_id: max(f for i, f in frames if i == object_id) for object_id in (1, 2)} == {1: 0, 2: 2}


def test_masks_that_are_right_are_not_corrected(model, given, monkeypatch):
    """Offline, a mask with J 1 on every frame gets no further round; online, one at the threshold is left alone."""
    monkeypatch.setattr(protocols, "jaccard", lambda mask, truth: 1.0)
    list(track(model, POLICY, TinyVideo(), Prompting.OFFLINE, rounds=3))
    assert [object_id for object_id, _ in given].count(1) == 3
    given.clear()
    monkeypatch.setattr(protocols, "jaccard", lambda mask, truth: protocols.GOOD_ENOUGH)
    list(track(model, POLICY, TinyVideo(), Prompting.ONLINE, rounds=3))
    assert [object_id for object_id, _ in given].count(1) == 3


@pytest.mark.parametrize("protocol", [Prompting.MASK, Prompting.OFFLINE, Prompting.ONLINE])
def test_memory_is_seen_after_every_frame_of_the_pass_that_counts(model, protocol):
    seen = []

    def places(banks):
        return {object_id: bank.policy.places for object_id, bank in banks.items()}

    results = track(model, POLICY, TinyVideo(), protocol, 2, on_memory=lambda banks: seen.append(places(banks)))
    for count, result in enumerate(results, start=1):
        assert len(seen) == count
        assert set(result.objects) <= set(seen[-1])
    assert len(seen) == 6
    assert all(places == POLICY.places for banks in seen for places in banks.values())


def test_a_video_without_objects_is_passed_over(model):
    class Empty(TinyVideo):
        objects = {}  # noqa: RUF012

        def truth(self, frame):
            return {}

    for protocol in (Prompting.CLICK_1, Prompting.OFFLINE):
        results = list(track(model, POLICY, Empty(), protocol))
        assert [list(result.objects) for result in results] == [[]] * 6


def test_the_log_of_interactions():
    truth = np.zeros(SIZE, bool)
    truth[4:12, 8:24] = True
    logits = torch.full((SIDE // 4, SIDE // 4), -5.0)
    answer = ObjectResult(1, logits, truth.shape, 0.9, 1.0, ObjectState.VISIBLE)
    log = protocols.InteractionLog()
    log.click(1, answer, truth, first=True)
    log.click(1, answer, truth, first=False)
    log.click(2, answer, np.zeros(SIZE, bool), first=True)
    assert log.clicks == {1: 2, 2: 1}
    assert log.first == {1: [0.0], 2: [1.0]}
    log.answered(3, answer, truth)
    assert (log.clicks, log.first[3]) == ({1: 2, 2: 1}, [0.0])


class DarkVideo(TinyVideo):
    """A video whose frames from the second on are black."""

    @property
    def source(self):
        frames = np.stack([frame.image for frame in super().source.frames()])
        frames[1:] = 0
        return ArraySource(frames)


@pytest.mark.parametrize("protocol", [Prompting.MASK, Prompting.OFFLINE])
def test_frames_on_which_an_event_hides_the_scene_are_not_judged_where_that_is_asked_for(model, protocol):
    def states(events):
        results = track(model, POLICY, DarkVideo(), protocol, rounds=1, events=events)
        return [result.objects[1].state is ObjectState.NOT_JUDGED for result in results if 1 in result.objects]

    assert not any(states(events=False))
    assert states(events=True)[:2] == [False, False]  # a black screen is known on its second frame
    assert all(states(events=True)[2:])
