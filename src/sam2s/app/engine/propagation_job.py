"""One propagation of the app: chosen objects over a span, a frame at a time, so that clicks come between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import torch

from sam2s.app.engine.tracked_video import Anchor, TrackedVideo, is_given, nearest
from sam2s.errors import PromptError
from sam2s.quality import UNJUDGED, QualityMonitor, read_marks
from sam2s.tracking import FrameResult, Tracker
from sam2s.tracking.feature_prefetch import prefetch_features
from sam2s.workspace import FrameRecord, WorkspaceEvent, to_record

BEHIND, AHEAD = 4, 1
"""Frames that a person gave an object is conditioned on from the start: the nearest behind it and ahead of it. Those it
comes across are given to it when it gets there."""
ACCEPTED_GIVEN = 8
"""Of a long accepted span the tracker is given so many frames at each end; it has seen the rest of it by then."""


@dataclass(slots=True)
class Reach:
    """Over which frames an object is carried.

    Attributes:
        begin: the frame it is carried from, which is not written.
        last: the last frame that is written.
        anchors: frames with masks that a person gave, by frame.
        prompt: frame of the mask it was given last.
        dropped: frames that a person told it to forget.
    """

    begin: int
    last: int
    anchors: dict[int, Anchor]
    prompt: int
    dropped: frozenset[int] = frozenset()


@dataclass(slots=True)
class PropagationJob:
    """A propagation in one direction; `steps` computes and writes one frame after another.

    Attributes:
        video: the video with its workspace.
        event: the act that asked for it; its masks are written under it.
        reverse: the direction.
        reaches: what is to be done, by object.
        tracker: carries the objects; kept afterwards, so that a later one may go on where this one stopped.
        monitor: judges the masks along the way.
        at: the frame passed last, None before any.
    """

    video: TrackedVideo
    event: WorkspaceEvent
    reverse: bool
    reaches: dict[int, Reach] = field(default_factory=dict)
    tracker: Tracker | None = None
    monitor: QualityMonitor | None = None
    at: int | None = None

    @property
    def sign(self) -> int:
        """Direction in time, 1 or -1."""
        return -1 if self.reverse else 1

    @property
    def search(self) -> bool:
        """Whether lost objects are looked for."""
        return bool(self.event.payload.get("search"))

    @property
    def total(self) -> int:
        """Frames that will be passed."""
        if not self.reaches:
            return 0
        return abs(self._end - self._begin)

    @property
    def signature(self) -> dict[int, list[Anchor]]:
        """What was known of each object when the propagation began."""
        return {object_id: sorted(reach.anchors.values()) for object_id, reach in self.reaches.items()}

    def plan(self, objects: list[int], start: int, last: int, *, until_given: bool) -> None:
        """Decide for each object where it is carried from and to.

        Args:
            objects: which.
            start: frame where one stands; an object without a mask there is carried from its nearest mask behind, or
                joins at its first one ahead.
            last: the last frame in the direction of the propagation.
            until_given: stop before the next frame with a mask that a person gave.
        """
        for object_id in objects:
            anchors = {anchor.frame: anchor for anchor in self.video.anchors(object_id)}
            begin = self._begin_of(object_id, start, last, anchors)
            if begin is None:
                continue
            end = last
            if until_given:
                ahead = [frame for frame in anchors if (frame - begin) * self.sign > 0]
                nearest_ahead = min(ahead, key=lambda frame: abs(frame - begin), default=None)
                if nearest_ahead is not None and (last - nearest_ahead) * self.sign >= 0:
                    end = nearest_ahead - self.sign
            if (end - begin) * self.sign > 0:
                dropped = frozenset(self.video.forgotten(object_id))
                self.reaches[object_id] = Reach(begin, end, anchors, begin, dropped)

    def steps(self, earlier: PropagationJob | None = None) -> Iterator[int]:
        """Track and write frame by frame; yields the frame that was written.

        Args:
            earlier: a propagation that may have stopped where this one begins, whose tracker then goes on.
        """
        if not self.reaches:
            return
        goes_on = earlier is not None and self._goes_on_from(earlier)
        if goes_on and earlier is not None:
            self.tracker, self.monitor = earlier.tracker, earlier.monitor
        else:
            self._condition()
            self.monitor = QualityMonitor(self.video.network)
        assert self.tracker is not None
        assert self.monitor is not None
        hidden = [(mark.start, mark.stop) for mark in read_marks(self.video.workspace) if mark.kind in UNJUDGED]
        with closing(MemoryLog(self.video.workspace.folder, self.event.event_id, self.reverse)) as log:
            for low, high in self._stretches():
                frames = self.video.frames(low, high, reverse=self.reverse)
                with closing(prefetch_features(self.video.network, frames)) as encoded:
                    for frame, features in encoded:
                        if not (goes_on and frame.index == self._begin):
                            self._give_accepted(frame.index)
                            judged = not any(start <= frame.index < stop for start, stop in hidden)
                            result = self.tracker.step(
                                frame, frame.index, features, reverse=self.reverse, judged=judged
                            )
                            result = self.monitor.observe(frame, result, features)
                            self._forget_again()
                            self._write(result, log)
                        self.at = frame.index
                        yield frame.index

    def _begin_of(self, object_id: int, start: int, last: int, anchors: dict[int, Anchor]) -> int | None:
        entry = self.video.shown(object_id, start)
        if entry is not None and (entry.mask.any() or is_given(entry)):
            return start
        behind = [frame for frame in anchors if (start - frame) * self.sign > 0]
        given = min(behind, key=lambda frame: abs(start - frame), default=None)
        tracked = self.video.nearest_mask(object_id, start, reverse=not self.reverse)
        if given is not None or tracked is not None:
            return max((frame for frame in (given, tracked) if frame is not None), key=lambda frame: frame * self.sign)
        ahead = [f for f in anchors if (f - start) * self.sign > 0 and (last - f) * self.sign >= 0]
        return min(ahead, key=lambda frame: abs(frame - start), default=None)

    def _goes_on_from(self, earlier: PropagationJob) -> bool:
        return (
            earlier.tracker is not None
            and (earlier.reverse, earlier.search) == (self.reverse, self.search)
            and earlier.at is not None
            and {reach.begin for reach in self.reaches.values()} == {earlier.at}
            and earlier.signature == self.signature
        )

    @torch.inference_mode()
    def _condition(self) -> None:
        """Make a tracker that knows the masks that persons gave, and those where the propagation begins."""
        self.tracker = self.video.new_tracker(search=self.search)
        for object_id, reach in self.reaches.items():
            anchors = [anchor for anchor in reach.anchors.values() if anchor.frame != reach.begin]
            behind = [anchor for anchor in anchors if (reach.begin - anchor.frame) * self.sign > 0]
            ahead = [anchor for anchor in anchors if (reach.begin - anchor.frame) * self.sign < 0]
            chosen = nearest(behind, reach.begin, BEHIND) + nearest(ahead, reach.begin, AHEAD)
            for frame in [reach.begin, *(anchor.frame for anchor in chosen)]:
                self.video.give_mask(self.tracker, object_id, frame)
        if not self.tracker.tracks:
            raise PromptError("the masks to start from are empty; click the objects where they are visible first")

    def _give_accepted(self, frame: int) -> None:
        """Give the tracker the masks that a person gave on a frame that it comes to."""
        assert self.tracker is not None
        for object_id, reach in self.reaches.items():
            if frame not in reach.anchors:
                continue
            reach.prompt = frame
            if object_id in self.tracker.tracks and frame in self.tracker.tracks[object_id].answers:
                continue
            if self._deep_inside(frame, reach.anchors):
                continue
            self.video.give_mask(self.tracker, object_id, frame)

    def _deep_inside(self, frame: int, anchors: dict[int, Anchor]) -> bool:
        """Whether a frame lies far from both ends of a long span of given frames."""
        around = range(frame - ACCEPTED_GIVEN, frame + ACCEPTED_GIVEN + 1)
        return all(near in anchors for near in around)

    def _forget_again(self) -> None:
        """Drop what the person told an object to forget, should the memory have chosen it again."""
        assert self.tracker is not None
        for object_id, reach in self.reaches.items():
            if not reach.dropped or object_id not in self.tracker.tracks:
                continue
            for old in reach.dropped & set(self.tracker.remembered_frames(object_id)[1]):
                self.tracker.forget_frame(object_id, old)

    def _write(self, result: FrameResult, log: MemoryLog) -> None:
        record = to_record(result)
        objects, distances = {}, {}
        for object_id, entry in record.objects.items():
            reach = self.reaches[object_id]
            beyond = (record.index - reach.begin) * self.sign > 0 and (reach.last - record.index) * self.sign >= 0
            if beyond and record.index not in reach.anchors:
                objects[object_id] = entry
                distances[object_id] = record.index - reach.prompt
        if objects:
            kept = FrameRecord(record.index, record.pts, objects)
            self.video.workspace.write_frame(kept, self.event.event_id, prompt_distances=distances)
            assert self.tracker is not None
            log.note(record.index, {i: self.tracker.remembered_frames(i) for i in objects})

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """The frames to pass, as (first, end)."""
        yield self._begin, self._end + self.sign

    @property
    def _begin(self) -> int:
        return min((reach.begin for reach in self.reaches.values()), key=lambda frame: frame * self.sign)

    @property
    def _end(self) -> int:
        return max((reach.last for reach in self.reaches.values()), key=lambda frame: frame * self.sign)


class MemoryLog:
    """What each object remembered along a propagation, a line for each change, beside the snapshots."""

    def __init__(self, folder: Path, event_id: int, reverse: bool) -> None:
        path = memory_path(folder, event_id)
        path.parent.mkdir(exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._last: dict[int, tuple[list[int], list[int]]] = {}
        self._reverse = reverse

    def note(self, frame: int, remembered: dict[int, tuple[list[int], list[int]]]) -> None:
        """Write what has changed on a frame."""
        for object_id, now in remembered.items():
            if self._last.get(object_id) != now:
                self._last[object_id] = now
                line = {"frame": frame, "object": object_id, "given": now[0], "long": now[1], "reverse": self._reverse}
                self._file.write(json.dumps(line) + "\n")
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def memory_path(folder: Path, event_id: int) -> Path:
    """Where the memory of a propagation is noted."""
    return folder / "snapshots" / f"memory-{event_id}.jsonl"
