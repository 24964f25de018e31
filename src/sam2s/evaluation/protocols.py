"""A simulated person at our tracker: prompts once and watches, or comes back to correct (SAM2S and SAM 2 protocols).

Clicks are chosen at the network's resolution, on logits above 0, as in the SAM 2.1 reference implementation. The
objects of a video go through one `Tracker`: they share nothing but image features, each is tracked as if alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sam2s.evaluation.clicks import error_click
from sam2s.evaluation.measures import jaccard
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.videos import EvalVideo, appearances
from sam2s.memory import MemoryBank, MemoryPolicy
from sam2s.model import Network, upsample
from sam2s.quality import FrameJudge, QualityMonitor
from sam2s.session import VideoSession
from sam2s.tracking import Box, FrameResult, Mask, ObjectResult, Points, Prompt, Tracker
from sam2s.tracking.preprocess import model_mask
from sam2s.tracking.settings import Batching
from sam2s.video.frame import Frame

GOOD_ENOUGH = 0.75
"""Online, a frame is corrected below this IoU."""


@dataclass
class InteractionLog:
    """What it took a person to point at the objects of a video.

    Attributes:
        clicks: by object, clicks given on all frames.
        first: by object, J on the frame of its first appearance after the first click, the second, ...; after the box
            or the mask, where it is shown by one.
    """

    clicks: dict[int, int] = field(default_factory=dict)
    first: dict[int, list[float]] = field(default_factory=dict)

    def answered(self, object_id: int, answer: ObjectResult, truth: np.ndarray) -> None:
        """Note the answer to a box or a mask on the first frame."""
        self.first[object_id] = [jaccard(answer.mask, truth)]

    def click(self, object_id: int, answer: ObjectResult, truth: np.ndarray, *, first: bool) -> None:
        """Note a click, and the answer to it."""
        self.clicks[object_id] = self.clicks.get(object_id, 0) + 1
        if first:
            self.first.setdefault(object_id, []).append(jaccard(answer.mask, truth))


def track(
    model: Network,
    policy: MemoryPolicy,
    video: EvalVideo,
    protocol: Prompting,
    rounds: int = 8,
    interactions: InteractionLog | None = None,
    on_memory: Callable[[Mapping[int, MemoryBank]], None] | None = None,
    events: bool = False,
    monitor: QualityMonitor | None = None,
    batched: Batching = "auto",
) -> Iterator[FrameResult]:
    """Track all objects of a video forward, each from the frame on which it first appears.

    Args:
        model: the network.
        policy: what objects remember.
        video: the video and its truth.
        protocol: the protocol.
        rounds: most frames of an object that are prompted by an interactive protocol, the first included.
        interactions: each click is noted here.
        on_memory: called after each frame with the memory of each object, which may only be read.
        events: do not judge frames on which an event hides the scene, see `sam2s.quality.FrameJudge`.
        monitor: judges the masks.
        batched: which objects go through the network together.
    """
    interactions = interactions or InteractionLog()
    if protocol is Prompting.OFFLINE:
        yield from _offline(model, policy, video, rounds, interactions, on_memory, events, monitor, batched)
        return
    tracker = Tracker(model, policy, num_frames=len(video.stems), batched=batched)
    judge = FrameJudge() if events else None
    starts = appearances(video)
    left = dict.fromkeys(starts, rounds - 1 if protocol is Prompting.ONLINE else 0)
    for frame in video.source.frames():
        new = [object_id for object_id, start in starts.items() if start == frame.index]
        judged = judge is None or judge(frame)
        if not new and not tracker.tracks:
            yield FrameResult(frame.index, frame.pts)
            continue
        if new:
            truth = video.truth(frame.index)
            shown = {object_id: truth[object_id] for object_id in new}
            result, _ = point(tracker, frame, shown, protocol, interactions, judged=judged)
        else:
            result = tracker.step(frame, frame.index, judged=judged)
        if any(left.values()):
            truth = video.truth(frame.index)
            bad = {i: truth[i] for i, answer in result.objects.items() if i in truth and i not in new and left[i]}
            bad = {i: mask for i, mask in bad.items() if jaccard(result.objects[i].mask, mask) < GOOD_ENOUGH}
            for object_id in bad:
                left[object_id] -= 1
            result, _ = _click(tracker, frame, bad, result, protocol.clicks, interactions)
        if monitor and judged:
            result = monitor.observe(frame, result, tracker.context(frame, frame.index).features)
        if on_memory:
            on_memory({object_id: track.bank for object_id, track in tracker.tracks.items()})
        yield result


def point(
    tracker: Tracker,
    frame: Frame,
    truth: Mapping[int, np.ndarray],
    protocol: Prompting,
    interactions: InteractionLog,
    *,
    judged: bool = True,
) -> tuple[FrameResult, dict[int, list[Prompt]]]:
    """Point at new objects on a frame, as often as the protocol wants; also give the prompts by object."""
    prompts: dict[int, list[Prompt]] = {
        i: [first_prompt(protocol, m, tracker.model.image_size)] for i, m in truth.items()
    }
    for object_id, (prompt,) in prompts.items():
        tracker.add_prompt(object_id=object_id, prompt=prompt)
    result = tracker.step(frame, frame.index, judged=judged)
    for object_id, mask in truth.items():
        if protocol.clicks:
            interactions.click(object_id, result.objects[object_id], mask, first=True)
        else:
            interactions.answered(object_id, result.objects[object_id], mask)
    result, clicks = _click(tracker, frame, truth, result, protocol.clicks - 1, interactions, first=True)
    return result, {object_id: prompts[object_id] + clicks[object_id] for object_id in truth}


def first_prompt(protocol: Prompting, mask: np.ndarray, side: int) -> Prompt:
    """The prompt that shows an object of mask bool [H, W] to a network of image size `side`.

    The box is tight: it goes from the first to the last column and row of the mask, at the network's resolution.
    """
    if protocol is Prompting.MASK:
        return Mask(mask)
    small = _shrink(mask, side)
    scale = mask.shape[1] / side, mask.shape[0] / side
    if protocol is Prompting.BOX:
        y, x = np.nonzero(small)
        x0, y0, x1, y1 = x.min(), y.min(), max(x.max(), x.min() + 1), max(y.max(), y.min() + 1)
        return Box(x0 * scale[0], y0 * scale[1], x1 * scale[0], y1 * scale[1])
    click = error_click(small)
    assert click, "an object is pointed at where it is visible"
    return Points([(click.x * scale[0], click.y * scale[1])])


def correction(truth: np.ndarray, answer: ObjectResult, side: int) -> Points | None:
    """One click on the worst error; None if there is none at the network's resolution."""
    mask = (upsample(answer.low_res_logits[None, None], side)[0, 0] > 0).cpu().numpy()
    click = error_click(_shrink(truth, side), mask)
    if click is None:
        return None
    return Points([(click.x * truth.shape[1] / side, click.y * truth.shape[0] / side)], [click.label])


def _click(
    tracker: Tracker,
    frame: Frame,
    truth: Mapping[int, np.ndarray],
    result: FrameResult,
    clicks: int,
    interactions: InteractionLog,
    *,
    first: bool = False,
) -> tuple[FrameResult, dict[int, list[Prompt]]]:
    """Correct the frame just seen with up to so many clicks an object."""
    given: dict[int, list[Prompt]] = {object_id: [] for object_id in truth}
    for _ in range(clicks):
        corrections = {i: correction(mask, result.objects[i], tracker.model.image_size) for i, mask in truth.items()}
        if not any(corrections.values()):
            break
        for object_id, prompt in corrections.items():
            if prompt:
                tracker.add_prompt(object_id=object_id, prompt=prompt)
                given[object_id].append(prompt)
        result = tracker.step(frame, frame.index)
        for object_id in (i for i, prompt in corrections.items() if prompt):
            interactions.click(object_id, result.objects[object_id], truth[object_id], first=first)
    return result, given


def _offline(
    model: Network,
    policy: MemoryPolicy,
    video: EvalVideo,
    rounds: int,
    interactions: InteractionLog,
    on_memory: Callable[[Mapping[int, MemoryBank]], None] | None,
    events: bool,
    monitor: QualityMonitor | None,
    batched: Batching,
) -> Iterator[FrameResult]:
    """Prompt, propagate, prompt the worst frame, propagate again, ..."""
    side, clicks = model.image_size, Prompting.OFFLINE.clicks
    options: dict[str, Any] = {"num_frames": len(video.stems), "observer": monitor, "batched": batched}
    with VideoSession(model, video.source, policy=policy, **options) as session:
        starts = appearances(video)
        for object_id, start in starts.items():
            truth = video.truth(start)[object_id]
            answer = session.add_prompt(
                frame=start, object_id=object_id, prompt=first_prompt(Prompting.OFFLINE, truth, side)
            )
            interactions.click(object_id, answer, truth, first=True)
            _click_in_session(session, start, answer, truth, clicks - 1, interactions, first=True)
        for _ in range(rounds - 1 if starts else 0):
            worst: dict[int, tuple[float, int, ObjectResult]] = {}
            for result in session.propagate(judged=FrameJudge() if events else None):
                truths = video.truth(result.index)
                for object_id in result.objects.keys() & truths.keys():
                    answer = result.objects[object_id]
                    j = jaccard(answer.mask, truths[object_id])
                    if j < worst.get(object_id, (1.0,))[0]:
                        worst[object_id] = j, result.index, answer
            for object_id, (_, index, answer) in worst.items():
                _click_in_session(session, index, answer, video.truth(index)[object_id], clicks, interactions)
        results = session.propagate(judged=FrameJudge() if events else None) if starts else iter(())
        for index in range(min(starts.values(), default=len(video.stems))):
            yield FrameResult(index, None)
        for result in results:
            if on_memory:
                on_memory({object_id: track.bank for object_id, track in session.tracker.tracks.items()})
            yield result


def _click_in_session(
    session: VideoSession,
    frame: int,
    answer: ObjectResult,
    truth: np.ndarray,
    clicks: int,
    interactions: InteractionLog,
    *,
    first: bool = False,
) -> None:
    for _ in range(clicks):
        prompt = correction(truth, answer, session.model.image_size)
        if prompt is None:
            return
        answer = session.add_prompt(frame=frame, object_id=answer.object_id, prompt=prompt)
        interactions.click(answer.object_id, answer, truth, first=first)


def _shrink(mask: np.ndarray, side: int) -> np.ndarray:
    """A mask at the network's resolution; one that is lost there is marked where it lies."""
    small = model_mask(Mask(mask), mask.shape, side)[0, 0].numpy()
    if mask.any() and not small.any():
        y, x = np.nonzero(mask)
        small[(y * side // mask.shape[0]), (x * side // mask.shape[1])] = True
    return small
