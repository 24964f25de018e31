"""Placing a tracker before any frame that was tracked, by replaying propagations from snapshots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from sam2s.model import ImageFeatures, Segmentation
from sam2s.tracking import FrameResult, Tracker
from sam2s.tracking.object_track import ObjectTrack
from sam2s.video.frame import Frame, VideoSource

from .frame_order import frames_from
from .propagation import Propagation, covering, thin_snapshots
from .snapshot import read_snapshot, write_snapshot


class FrameObserver(Protocol):
    """Observes every frame of a propagation in order, and may extend the results; see `QualityMonitor`."""

    def observe(self, frame: Frame, result: FrameResult, features: ImageFeatures | None = None) -> FrameResult:
        """Observe a frame with its result and image features; returns the result to yield instead."""
        ...

    def forget(self) -> None:
        """Reset, because the next frame does not follow the last one."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the state, in plain containers and tensors; saved with every snapshot."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from `state_dict`."""
        ...


class ReplayableTracker:
    """A tracker that can be placed before any frame that was tracked, from snapshots on disk.

    Attributes:
        tracker: the tracker.
        propagations: all propagations so far.
        position: the propagation and the time that were stepped last; None if the tracker was placed elsewhere.
    """

    def __init__(
        self, tracker: Tracker, source: VideoSource, stride: int, folder: Path, observer: FrameObserver | None = None
    ) -> None:
        self.observer = observer
        self.tracker, self.source, self.stride, self.folder = tracker, source, stride, folder
        self.propagations: list[Propagation] = []
        self.position: tuple[Propagation, int] | None = None
        self._placed: tuple[int, bool] | None = None  # (time, reverse) that the tracker was placed before

    def restore(self, propagations: list[Propagation], state: dict[str, Any] | None) -> None:
        """Restore the state of the last snapshot of these propagations."""
        self.propagations = propagations
        if state is not None:
            self.tracker.load_state_dict(state["tracker"])
            if self.observer and "observer" in state:
                self.observer.load_state_dict(state["observer"])
            self.position = propagations[-1], propagations[-1].snapshots[-1]

    def has_passed(self, time: int) -> bool:
        """Whether the tracker has just stepped over a time."""
        return self.position is not None and self.position[1] == time

    def stands_behind(self, propagation: Propagation, time: int) -> bool:
        """Whether a propagation can continue with a time."""
        return self.position == (propagation, time - propagation.step)

    def going_on(self, time: int, reverse: bool) -> Propagation | None:
        """The last propagation if it can continue with a time in this direction, else None."""
        last = self.propagations[-1] if self.propagations else None
        return last if last and last.reverse == reverse and self.stands_behind(last, time) else None

    def lose_position(self) -> None:
        """Force the tracker to be placed again before the next frame."""
        self.position = self._placed = None

    def step(
        self,
        propagation: Propagation,
        frame: Frame,
        time: int,
        features: ImageFeatures | None = None,
        *,
        judged: bool = True,
    ) -> FrameResult:
        """Step a propagation over one more frame."""
        result = self.tracker.step(frame, time, features, reverse=propagation.reverse, judged=judged)
        propagation.reach(time, result.objects, judged=judged)
        self.position, self._placed = (propagation, time), None
        if self.observer and judged and result.objects:
            result = self.observer.observe(frame, result, self.tracker.context(frame, time).features)
        return result

    def begin(self, time: int, reverse: bool) -> tuple[Propagation, list[Path]]:
        """Start a propagation with the tracker before its first frame; also returns snapshots that are now obsolete."""
        propagation, goes_on = Propagation(len(self.propagations), time, reverse), self.going_on(time, reverse)
        waiting = [t for track in self.tracker.tracks.values() for t in track.pending]
        self.tracker.commit()
        behind = any((time - t) * propagation.step > 0 for t in waiting)
        if not goes_on and (self._placed != (time, reverse) or behind):
            self._place(time, reverse)
        if self.observer and not goes_on:
            self.observer.forget()
        self.propagations.append(propagation)
        freed = [
            old.snapshot_path(self.folder, at)
            for old in self.propagations[:-1]
            for at in old.release(self.propagations[old.number + 1 :], self.tracker.tracks)
        ]
        return propagation, freed

    def save(self, propagation: Propagation, time: int, known: int, most: int) -> list[Path]:
        """Save the state after a time with the number of events it includes; returns files above `most` snapshots."""
        state = {"tracker": self.tracker.state_dict(), "known": known}
        if self.observer:
            state["observer"] = self.observer.state_dict()
        write_snapshot(propagation.snapshot_path(self.folder, time), state)
        propagation.keep_snapshot(time)
        return [old.snapshot_path(self.folder, at) for old, at in thin_snapshots(self.propagations, most)]

    def reach(self, time: int, object_id: int) -> tuple[Propagation | None, Tensor | None]:
        """Place the tracker before a frame that was tracked with an object, or just behind it.

        Returns:
            the propagation that tracked it last, and the logits [1, 1, 4h, 4w] of its mask if the object has no prompt
            there; None and None if there is none.
        """
        propagation = covering(self.propagations, time, object_id)
        if propagation is None:
            return None, None
        track = self.tracker.tracks[object_id]
        shown = track.answer_at(time) if self.position == (propagation, time) else None
        if shown is None and not (self._placed == (time, propagation.reverse) and track.prompted(time)):
            shown = self._place(time, propagation.reverse, (propagation, object_id))
        return propagation, None if shown is None else shown.logits

    @torch.inference_mode()
    def _place(self, time: int, reverse: bool, shown_by: tuple[Propagation, int] | None = None) -> Segmentation | None:
        tracker = self.tracker
        shown = place_tracker(
            tracker,
            time,
            reverse=reverse,
            propagations=self.propagations,
            replay=self.replay,
            shown_by=shown_by,
        )
        for track in tracker.tracks.values():
            if (missing := track.missing_frame) is not None:
                picture = self.source.frame(missing * self.stride)
                track.recompute_memory(tracker.segmenter, tracker.context(picture, missing))
        self.position, self._placed = None, (time, reverse)
        return shown

    def replay(self, propagation: Propagation, anchor: int, until: int) -> Iterator[tuple[int, Tracker]]:
        """Repeat a part of a propagation, see `Replay`."""
        at, scratch = propagation.nearest_snapshot(anchor), Tracker(self.tracker.model)
        path = propagation.snapshot_path(self.folder, at)
        scratch.load_state_dict(read_snapshot(path, scratch.model.device)["tracker"])
        yield at, scratch
        begin, reverse = at + propagation.step, propagation.reverse
        for frame in frames_from(self.source, begin, stride=self.stride, reverse=reverse):
            at = frame.index // self.stride
            if (at - until) * propagation.step > 0:
                return
            scratch.step(frame, at, reverse=reverse, judged=propagation.judged(at))
            yield at, scratch


Judge = Callable[[Frame], bool]
"""Whether a frame is judged, see `Tracker.step`."""

Replay = Callable[[Propagation, int, int], Iterator[tuple[int, Tracker]]]
"""Repeat a propagation from its nearest snapshot before the first time up to the second; yields each time and the
tracker after it."""


def place_tracker(
    tracker: Tracker,
    time: int,
    *,
    reverse: bool,
    propagations: list[Propagation],
    replay: Replay,
    shown_by: tuple[Propagation, int] | None = None,
) -> Segmentation | None:
    """Give each object the memory of the frames behind `time` as it was computed last.

    Short-term memory and pointers come from the propagation that tracked each frame last, in either direction, or from
    later corrections. Long-term memory and presence are copied from the frame just behind if it was tracked in the same
    direction; otherwise they start empty.

    Returns:
        the answer of the propagation and object id `shown_by` at `time`; None if `shown_by` is None.
    """
    tracker.rewind()
    step = -1 if reverse else 1
    readers: dict[int, dict[int, list[ObjectTrack]]] = defaultdict(lambda: defaultdict(list))
    for track in tracker.tracks.values():
        for behind in range(time - step * (track.bank.pointer_limit - 1), time, step):
            if propagation := covering(propagations, behind, track.object_id):
                readers[propagation.number][behind].append(track)
    if shown_by:
        readers[shown_by[0].number][time] = []
    shown = None
    for number, tracks_at in readers.items():
        propagation = propagations[number]
        times, same_way = sorted(tracks_at, reverse=propagation.reverse), propagation.reverse == reverse
        # In the same direction a snapshot holds the window behind itself; in the other the window has to be made.
        anchor = time - step if times[-1] == time else times[-1] if same_way else times[0]
        for at, replayed in replay(propagation, anchor, times[-1]):
            for behind in times:
                for track in tracks_at[behind]:
                    if old := replayed.tracks.get(track.object_id):
                        track.adopt_frame(old, behind)
                        if same_way and at == behind == time - step:
                            track.adopt_state(old, at, tracker.settings.rule)
            if shown_by and propagation is shown_by[0] and at == time and shown_by[1] in replayed.tracks:
                shown = replayed.tracks[shown_by[1]].answer_at(time)
    for track in tracker.tracks.values():
        track.bank.trim(time, reverse=reverse)
    return shown
