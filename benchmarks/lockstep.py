"""Many videos of one length through one network side by side: what a small network spends on calls is shared by all.

Objects and videos share nothing but the passes through the network, as in `Tracker(batched="same-shape")`; a batch
rounds otherwise than an object alone, so masks are not the same to the bit.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import torch

from sam2s.evaluation.protocols import InteractionLog, point
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.videos import EvalVideo
from sam2s.memory import MemoryBank, MemoryPolicy, Recall
from sam2s.model import Network, Segmentation
from sam2s.quality import QualityMonitor
from sam2s.tracking import FrameResult, Tracker
from sam2s.tracking.feature_prefetch import encode
from sam2s.tracking.frame_context import FrameContext
from sam2s.tracking.results import make_result, name_answers
from sam2s.tracking.settings import Batching


@dataclass(frozen=True)
class Followed:
    """What came of a video, frame by frame: results, memories after each frame, and how it was pointed at."""

    results: list[FrameResult]
    banks: list[dict[int, MemoryBank]]
    interactions: InteractionLog

    def replay(
        self,
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
        """What `sam2s.evaluation.protocols.track` would yield; it is no matter what is asked for."""
        if interactions:
            interactions.clicks, interactions.first = self.interactions.clicks, self.interactions.first
        for result, banks in zip(self.results, self.banks, strict=True):
            if on_memory:
                on_memory(banks)
            yield result


@torch.inference_mode()
def follow_together(
    model: Network, policy: MemoryPolicy, videos: Sequence[EvalVideo], protocol: Prompting = Prompting.MASK
) -> list[Followed]:
    """Follow the objects of the first frame of each video, all videos frame by frame at once.

    Args:
        model: the network.
        policy: what objects remember.
        videos: all of one length, with every object on the first frame.
        protocol: how objects are pointed at, once.
    """
    sources = [video.source.frames() for video in videos]
    trackers = [Tracker(model, policy, num_frames=len(video.stems)) for video in videos]
    followed = [Followed([], [], InteractionLog()) for _ in videos]
    for tracker, video, source, one in zip(trackers, videos, sources, followed, strict=True):
        frame = next(source)
        one.results.append(point(tracker, frame, video.truth(0), protocol, one.interactions)[0])
        tracker.commit()
        one.banks.append(_snapshot(tracker))
    for time in range(1, len(videos[0].stems)):
        frames = [next(source) for source in sources]
        features = encode(model, frames)
        contexts = [FrameContext(frame, time, features.take(slice(n, n + 1))) for n, frame in enumerate(frames)]
        groups: defaultdict[tuple[object, ...], list[tuple[int, int, Recall]]] = defaultdict(list)
        for n, tracker in enumerate(trackers):
            for object_id, track in tracker.tracks.items():
                recall = track.bank.recall(time, pointer_limit=tracker.segmenter.pointer_limit)
                groups[recall.slots, recall.distances].append((n, object_id, recall))
        answers: dict[tuple[int, int], Segmentation] = {}
        for members in groups.values():
            together = FrameContext(frames[0], time, features.take([n for n, _, _ in members]))
            found = trackers[0].segmenter.segment_from_memory(together, [recall for _, _, recall in members])
            for (n, object_id, _), mask in zip(members, found, strict=True):
                answers[n, object_id] = (
                    trackers[n].tracks[object_id].add_to_memory(contexts[n], mask, trackers[n].settings.rule)
                )
        for n, (tracker, one) in enumerate(zip(trackers, followed, strict=True)):
            rule, names = tracker.settings.rule, name_answers(model, {i: answers[n, i] for i in tracker.tracks})
            objects = {
                i: make_result(model, contexts[n], track, answers[n, i], rule, track.presence, names.get(i))
                for i, track in tracker.tracks.items()
            }
            one.results.append(FrameResult(frames[n].index, frames[n].pts, objects))
            one.banks.append(_snapshot(tracker))
    return followed


def _snapshot(tracker: Tracker) -> dict[int, MemoryBank]:
    banks = {object_id: copy(track.bank) for object_id, track in tracker.tracks.items()}
    for bank in banks.values():
        bank.long_term = deque(bank.long_term, bank.long_term.maxlen)
    return banks
