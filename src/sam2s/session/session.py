"""Tracking from any frame of a video, in both directions: prompts, propagation, corrections."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from threading import RLock
from typing import Any

import torch

from sam2s.errors import ConfigError, PromptError
from sam2s.memory import MemoryPolicy
from sam2s.model import Network
from sam2s.tracking import Batching, FrameResult, ObjectResult, PresenceRule, Prompt, Tracker
from sam2s.tracking.feature_prefetch import prefetch_features
from sam2s.tracking.numbers import at_least, whole_number
from sam2s.video.frame import VideoSource

from .events import Event
from .folder import SessionRecord, TemporaryFolder
from .frame_order import check_span, frames_from, locate_frame
from .propagation import Propagation
from .recovery import restore_newest
from .replay import FrameObserver, Judge, ReplayableTracker


class VideoSession:
    """Tracks objects through a seekable video.

    A loop over `Tracker.step` that can start at any frame: the tracker's state is saved every `snapshot_every` frames,
    and a frame is reached from the nearest snapshot. Memory use is constant: results are yielded and not kept,
    snapshots are on disk and their number is limited.

    The memory of a frame is the one computed for it last, in either direction, as in the SAM 2.1 reference
    implementation: a reverse propagation reads the first frames of an earlier forward one.

        session = VideoSession(model, source)
        session.add_prompt(frame=0, object_id=1, prompt=Box(195, 48, 550, 293))
        for result in session.propagate(): ...

    Methods may be called from several threads; a generator of `propagate` belongs to one thread.

    Args:
        model: the network.
        source: a seekable video.
        policy: which frames objects remember.
        rule: when an object is visible, occluded or absent.
        stride: only frames whose index is a multiple of this are tracked.
        folder: folder for snapshots and the record, from which `reopen` resumes; by default a temporary one.
        snapshot_every: frames between two snapshots.
        max_snapshots: maximum number of snapshots, a few megabytes each per object, at least 2. Above it, those whose
            loss costs the shortest replay are deleted, then whole propagations, whose frames can no longer be restored
            exactly.
        stability, num_frames, batched: as in `Tracker`.
        observer: observes every propagated frame, and may extend its result.

    Raises:
        ConfigError: a number is too small, or the source is not seekable (a camera); use `Tracker` for it.
    """

    def __init__(
        self,
        model: Network,
        source: VideoSource,
        *,
        policy: MemoryPolicy | None = None,
        rule: PresenceRule | None = None,
        stride: int = 1,
        folder: Path | None = None,
        snapshot_every: int = 100,
        max_snapshots: int = 256,
        stability: bool = True,
        num_frames: int | None = None,
        batched: Batching = "auto",
        observer: FrameObserver | None = None,
    ) -> None:
        if not source.seekable:
            raise ConfigError(f"{source.name} is a live stream and cannot be read twice; track it with Tracker.step")
        self.model, self.source, self.stride = model, source, at_least(1, stride, "stride")
        self.snapshot_every = at_least(1, snapshot_every, "snapshot_every")
        self.max_snapshots = at_least(2, max_snapshots, "max_snapshots")
        self.tracker = Tracker(
            model, policy, rule=rule, stability=stability, num_frames=num_frames, revisit=True, batched=batched
        )
        self.events: list[Event] = []
        temporary = TemporaryFolder() if not folder else None
        self._temporary, self.folder = temporary, temporary.path if temporary else Path(folder or "")
        self._owner = {"source": source.fingerprint(), "stride": self.stride} if folder else {}
        self._network = model.digest() if folder else ""
        self._lock = RLock()
        self._replayable = ReplayableTracker(self.tracker, source, self.stride, self.folder, observer)
        self._changed = False  # prompts differ from those the last propagation began with
        self._known, self._redoing = 0, False  # events that the newest snapshot knows of; they come from the record

    @torch.inference_mode()
    def add_prompt(self, *, frame: int, object_id: int, prompt: Prompt, keep: bool = True) -> ObjectResult:
        """Prompt an object on any frame; returns its result there. `propagate` updates the other frames.

        Further clicks on a frame refine the mask. On a frame that was already tracked the object's memory is read as
        well, and the frame becomes a conditioning frame (see `MemoryPolicy.corrections`). Arguments are as in
        `Tracker.add_prompt`, for any frame.

        Raises:
            PromptError: the prompt cannot be used on this frame.
        """
        with self._lock:
            tracker, object_id = self.tracker, self.tracker.check_prompt(object_id, prompt)
            frame, time = locate_frame(self.source, frame, self.stride)
            if (track := tracker.tracks.get(object_id)) and track.ended(frame):
                raise PromptError(
                    f"frame {frame} lies past object {object_id}, which was ended at frame {track.end}; point at a "
                    "frame before that, or choose a new id"
                )
            picture = self.source.frame(frame)
            converted = tracker.convert_prompt(picture, object_id, prompt)
            self._settle()
            propagation, previous = self._replayable.reach(time, object_id)
            result = tracker.answer_prompt(
                tracker.context(picture, time, reverse=propagation is not None and propagation.reverse),
                object_id=object_id,
                prompt=converted,
                keep=keep,
                tracked=propagation is not None,
                passed=self._replayable.has_passed(time),
                previous=previous,
            )
            self._record(Event("prompt", object_id, frame, prompt, keep))
            return result

    def clear_prompts(self, *, frame: int, object_id: int) -> None:
        """Remove all prompts of an object on a frame, if there are any."""
        with self._lock:
            track, (frame, time) = self.tracker.known(object_id), locate_frame(self.source, frame, self.stride)
            if track.prompted(time) is None:
                return
            self._settle()
            track.clear_prompts(time)
            self._replayable.lose_position()  # what the frame had been before the prompt has to be computed again
            self._record(Event("clear", track.object_id, frame))

    def remove_object(self, *, object_id: int) -> None:
        """Remove an object and its memory; its id cannot be reused."""
        with self._lock:
            object_id = self.tracker.known(object_id).object_id
            self._settle()
            self.tracker.remove_object(object_id=object_id)
            self._record(Event("remove", object_id))

    def end_object(self, *, frame: int, object_id: int) -> None:
        """Mark an object as gone for good: it has no results from this frame on.

        Raises:
            PromptError: there is no such object or frame, or its first prompt is on this frame or later.
        """
        with self._lock:
            track, frame = self.tracker.known(object_id), whole_number(frame, "frame")
            first = min((*track.answers, *track.pending), default=-1) * self.stride
            if frame <= max(0, first):
                raise PromptError(
                    f"object {track.object_id} cannot end at frame {frame}: it is first pointed at on frame "
                    f"{max(0, first)}; give a later frame, or remove_object to forget it"
                )
            self._settle()
            self.tracker.end_object(frame=frame, object_id=track.object_id)
            self._record(Event("end", track.object_id, frame))

    def propagate(
        self, start: int | None = None, stop: int | None = None, *, reverse: bool = False, judged: Judge | None = None
    ) -> Generator[FrameResult]:
        """Track all objects through the video, frame by frame.

        An object has results from its first prompt on, in the direction of the propagation. The generator may be closed
        at any time, and prompts may be added between its results; they affect the following frames.

        Args:
            start: first frame; by default the first one with a prompt (in reverse: the last one). Past the end of the
                video nothing is tracked; in reverse it means the last frame.
            stop: forward: the frame to stop before, by default the end. In reverse: the last frame to track, by
                default 0.
            reverse: track backward in time.
            judged: whether a frame is judged, see `Tracker.step`; by default all are.

        Raises:
            PromptError: there is nothing to track, or a frame is not a whole number or lies before the first.
        """
        with self._lock:
            prompted = [t for track in self.tracker.tracks.values() for t in (*track.answers, *track.pending)]
        if not prompted:
            raise PromptError("there is nothing to track yet; point at an object with add_prompt first")
        begin = max(prompted) if reverse else min(prompted)
        begin, stop = check_span(start, stop, begin, stride=self.stride, reverse=reverse)
        return self._propagate(begin, stop, reverse, judged or (lambda frame: True))

    def _propagate(self, begin: int, stop: int | None, reverse: bool, judge: Judge) -> Generator[FrameResult]:
        frames = frames_from(self.source, begin, stop, stride=self.stride, reverse=reverse)
        propagation: Propagation | None = None
        with closing(prefetch_features(self.model, frames)) as encoded:
            for frame, features in encoded:
                time, judged = frame.index // self.stride, judge(frame)
                with self._lock:
                    if self._changed or propagation is None or not self._replayable.stands_behind(propagation, time):
                        propagation = self._begin(time, reverse)
                    result = self._replayable.step(propagation, frame, time, features, judged=judged)
                yield result  # before saving: what a snapshot counts as done must be in the caller's hands
                with self._lock:
                    due = abs(time - propagation.start) % self.snapshot_every == self.snapshot_every - 1
                    if due and not self._changed and self._replayable.position == (propagation, time):
                        self._save(propagation, time)

    def checkpoint(self) -> None:
        """Save the state after the latest frame, so that `reopen` resumes there; actions are saved immediately."""
        with self._lock:
            if (position := self._replayable.position) and not self._changed:
                self._save(*position)

    @property
    def propagations(self) -> list[Propagation]:
        """All propagations so far, with their snapshots."""
        return self._replayable.propagations

    @property
    def next_frame(self) -> int | None:
        """Index of the next frame of the last propagation; None before any."""
        return self.propagations[-1].next_time * self.stride if self.propagations else None

    @classmethod
    def reopen(
        cls, model: Network, source: VideoSource, folder: Path, *, recompute: bool = False, **settings: Any
    ) -> VideoSession:
        """Reopen a session from its folder, with the `settings` that it was created with.

        Its last propagation ends at its last snapshot: continue with `propagate(session.next_frame, ...)`. Later
        actions are repeated. With `recompute`, damaged snapshots are skipped: the session resumes at the newest intact
        one, or at the first prompt, and later frames have to be propagated again.

        Raises:
            OutputError: the folder has no session, a damaged one, or one of another video or network.
            ConfigError: `policy` is given and differs from the session's.
        """
        record = SessionRecord.read(Path(folder))
        policy: MemoryPolicy | None = settings.get("policy")
        if policy is not None and policy.resolve(model.config.confident_iou) != record.policy:
            raise ConfigError(f"{folder} was begun with another memory policy; give the same one, or another folder")
        session = cls(model, source, folder=folder, **{**settings, "policy": record.policy})
        record.check_owner(Path(folder), session._owner, session._network, source.name)
        propagations, known, state = restore_newest(record, session.folder, model.device, recompute=recompute)
        session._replayable.restore(propagations, state)
        session.events, session._known = record.events[:known], known
        session._redoing = True
        for event in record.events[known:]:
            event.redo(session)
        session._redoing = False
        return session

    def close(self) -> None:
        """Remove the snapshots if they are in a temporary folder; idempotent."""
        if self._temporary:
            self._temporary.remove()

    def __enter__(self) -> VideoSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, time: int, reverse: bool) -> Propagation:
        """Start a propagation at a time, or continue the last one if no prompt changed."""
        if not self._changed and (last := self._replayable.going_on(time, reverse)):
            return last
        self._settle()
        propagation, freed = self._replayable.begin(time, reverse)
        self._changed = False
        self._save(propagation, time - propagation.step)
        for path in freed:  # after the record that no longer names them
            path.unlink(missing_ok=True)
        return propagation

    def _save(self, propagation: Propagation, time: int) -> None:
        freed = self._replayable.save(propagation, time, len(self.events), self.max_snapshots)
        self._known = len(self.events)
        self._write_record()
        for path in freed:
            path.unlink(missing_ok=True)

    def _record(self, event: Event) -> None:
        self.events.append(event)
        self._changed = True
        self._write_record()

    def _write_record(self) -> None:
        if not self._temporary and not self._redoing:
            policy, passed = self.tracker.settings.policy, self.propagations
            SessionRecord(self._owner, self._network, policy, self.events, passed, self._known).write(self.folder)

    def _settle(self) -> None:
        """Save the state before prompts change, because it cannot be restored from events alone."""
        if not self._temporary and not self._redoing:
            self.checkpoint()
