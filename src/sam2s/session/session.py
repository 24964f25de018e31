"""A video that can be looked at anywhere, in both directions, again and again: prompts, propagation, corrections."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from sam2s.errors import ConfigError, OutputError, PromptError
from sam2s.files import write_atomically
from sam2s.memory import MemoryPolicy
from sam2s.model import Network, Segmentation
from sam2s.tracking.feature_prefetch import prefetch_features
from sam2s.tracking.object_track import ObjectTrack
from sam2s.tracking.presence import PresenceRule, observe
from sam2s.tracking.prompts import Prompt
from sam2s.tracking.results import FrameResult, ObjectResult
from sam2s.tracking.tracker import Tracker
from sam2s.video.frame import Frame, VideoSource

from .events import Event
from .folder import SessionRecord, write_events, write_propagations
from .propagation import Propagation, covering, thin_snapshots
from .replay import place_tracker
from .snapshot import dump, restore

REVERSE_CHUNK = 16
"""Frames decoded together when a video is read backward."""


class VideoSession:
    """Tracks objects through a video that can be read anywhere.

    A loop over `Tracker.step`, plus the means to put the tracker before any frame: while a pass runs, its state is
    saved every `snapshot_every` frames, and a frame is reached by restoring the nearest snapshot and tracking the few
    frames between. Memory stays constant: results are handed out and not kept, snapshots lie on disk and are thinned.

    What a frame reads from frames behind it is what was computed for them last, as in the SAM 2.1 reference
    implementation: a pass in reverse from the frame where a forward pass began reads the first frames of that pass.

        session = VideoSession(model, source)
        session.add_prompt(0, 1, Box(195, 48, 550, 293))
        for result in session.propagate():
            ...

    Args:
        model: the network.
        source: a seekable video.
        policy: what objects remember.
        rule: when an object counts as visible, occluded or absent.
        stride: only frames whose index is a multiple of this are looked at.
        folder: where snapshots and the log are kept; a killed session can be opened again from it. By default a
            temporary folder, removed by `close`.
        snapshot_every: frames between two snapshots.
        max_snapshots: snapshots kept in all, a few megabytes each for each object. Beyond it those go that make the
            shortest replay necessary, so that in a long video a frame is reached by replaying at most about 1 /
            max_snapshots of it. After very many corrections whole passes go as well; their frames are then
            reached through the pass before, so nearly and not exactly as they were shown.
        stability, num_frames: as in `Tracker`.

    Raises:
        ConfigError: the source cannot be read twice (a camera): use `Tracker` for it.
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
    ) -> None:
        if not source.seekable:
            raise ConfigError(f"{source.name} is a live stream and cannot be read twice; track it with Tracker.step")
        for name, value in (("stride", stride), ("snapshot_every", snapshot_every)):
            if value < 1:
                raise ConfigError(f"{name} {value} is too small; give at least 1")
        self.model, self.source, self.stride = model, source, stride
        self.snapshot_every, self.max_snapshots = snapshot_every, max_snapshots
        self.tracker = Tracker(model, policy, rule=rule, stability=stability, num_frames=num_frames, revisit=True)
        self.events: list[Event] = []
        self.propagations: list[Propagation] = []
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="sam2s-")
        self.folder = folder or Path(self._temporary.name)  # type: ignore[union-attr]
        # Reading a long video whole takes long, and all weights a while, so once.
        self._owner = {"source": source.fingerprint(), "stride": stride} if folder else None
        self._network = model.digest() if folder else ""
        self._after: tuple[int, int] | None = None  # the tracker has just passed: (pass, time)
        self._before: tuple[int, bool] | None = None  # the tracker was placed before: (time, reverse)
        self._replaying = False  # events come from the log, which holds them already
        self._changed = False  # prompts differ from those the last pass began with

    @torch.inference_mode()
    def add_prompt(self, frame: int, object_id: int, prompt: Prompt, *, keep: bool = True) -> ObjectResult:
        """Point at an object on any frame and see the answer at once; masks of other frames follow with `propagate`.

        Further clicks on a frame refine its answer. On a frame that was already tracked the answer also draws on the
        object's memory, and the frame becomes a conditioning frame (see `MemoryPolicy.corrections`).

        Args:
            frame: index of the frame.
            object_id: a new id adds an object.
            prompt: clicks, a box or a mask, in pixels of the frame.
            keep: clicks add to earlier clicks on this frame instead of replacing them.

        Raises:
            PromptError: the prompt cannot be used on this frame.
        """
        time, tracker = self._time(frame), self.tracker
        tracker.check_id(object_id)
        known = tracker.tracks.get(object_id)
        if known and known.end is not None and time >= known.end:
            raise PromptError(
                f"frame {frame} lies past object {object_id}, which was ended at frame {known.end * self.stride}; "
                "point at a frame before that, or choose a new id"
            )
        self._settle()
        picture = self.source.frame(frame)
        propagation = covering(self.propagations, time, object_id)
        previous = None if propagation is None else self._reach(time, propagation, object_id)
        direction = propagation is not None and propagation.reverse
        answer = tracker.prompt(
            object_id,
            prompt,
            picture,
            time,
            keep=keep,
            tracked=propagation is not None,
            reverse=direction,
            previous=previous,
        )
        track = tracker.tracks[object_id]
        if self._after and self._after[1] == time:
            track.note(time, answer, tracker.rule)
            presence = track.presence
        else:  # of this frame only: the track's own is noted when the frame is passed
            behind = None if propagation is None else track.presence
            probability = float(torch.sigmoid(answer.object_logit))
            presence = observe(tracker.rule, behind, probability, answer.logits[0, 0])
        self._record(Event("prompt", frame, object_id, prompt, keep))
        return tracker.result(track, picture, answer, prompted=True, presence=presence)

    def clear_prompts(self, frame: int, object_id: int) -> None:
        """Take back all prompts of an object on a frame."""
        track, time = self._known(object_id), self._time(frame)
        self._settle()
        track.clear(time)
        self._after = self._before = None  # what the frame had been before the prompt has to be computed again
        self._record(Event("clear", frame, object_id))

    def remove_object(self, object_id: int) -> None:
        """Forget an object; its id is not used again."""
        self._known(object_id)
        self._settle()
        self.tracker.remove_object(object_id)
        self._record(Event("remove", object_id=object_id))

    def end_object(self, object_id: int, frame: int) -> None:
        """Say that an object has left for good: it has no results from this frame on."""
        track = self._known(object_id)
        self._settle()
        track.end = -(-frame // self.stride)
        self._record(Event("end", frame, object_id))

    def propagate(
        self, start: int | None = None, stop: int | None = None, *, reverse: bool = False
    ) -> Generator[FrameResult, None, None]:
        """Carry all objects through the video, frame by frame.

        An object has results from its first prompt on in the direction of the pass. The generator may be left at any
        time, and prompts may be added while it waits; frames not yet reached heed them.

        Args:
            start: first frame; by default the first one with a prompt (in reverse: the last one).
            stop: forward: the frame to stop before, by default the end. In reverse: the last frame to go over, by
                default 0.
            reverse: go backward in time.

        Raises:
            PromptError: there is nothing to track.
        """
        prompted = [t for track in self.tracker.tracks.values() for t in (*track.answers, *track.pending)]
        if not prompted:
            raise PromptError("there is nothing to track yet; point at an object with add_prompt first")
        if start is None:
            begin = max(prompted) if reverse else min(prompted)
        else:
            begin = start // self.stride if reverse else -(-start // self.stride)
        propagation: Propagation | None = None
        with closing(prefetch_features(self.model, self._frames(begin, stop, reverse))) as encoded:
            for frame, features in encoded:
                time = frame.index // self.stride
                if propagation is None or self._changed or self._after != (propagation.number, time - propagation.step):
                    propagation = self._begin(time, reverse)
                result = self.tracker.step(frame, time, features)
                self._after, self._before, propagation.last = (propagation.number, time), None, time
                for object_id in result.objects:
                    propagation.joined.setdefault(object_id, time)
                yield result  # before saving: what a snapshot counts as done must be in the caller's hands
                due = abs(time - propagation.start) % self.snapshot_every == self.snapshot_every - 1
                if due and not self._changed and self._after == (propagation.number, time):
                    self._save(propagation, time)

    def checkpoint(self) -> None:
        """Save the state after the frame passed last, so that `reopen` goes on from there.

        What was done since, prompts and all, is in the log, which is saved at each act.
        """
        if self._after is not None and not self._changed:
            self._save(self.propagations[self._after[0]], self._after[1])

    @property
    def next_frame(self) -> int | None:
        """Index of the frame that the last pass would come to next; None before any pass."""
        if not self.propagations:
            return None
        propagation = self.propagations[-1]
        return (propagation.start if propagation.last is None else propagation.last + propagation.step) * self.stride

    @classmethod
    def reopen(cls, model: Network, source: VideoSource, folder: Path, **settings: Any) -> VideoSession:
        """Open a session again from its folder; `settings` as given when it was made.

        Its last pass ends where it was last saved: go on with `propagate(session.next_frame, ...)`. What was done after
        that is done again.

        Raises:
            OutputError: the folder holds no session, a damaged one, or one of another video or network.
            ConfigError: `policy` is given and differs from the session's.
        """
        record = SessionRecord.read(folder)
        policy: MemoryPolicy | None = settings.get("policy")
        if policy is not None and policy.resolve(model.config.confident_iou) != record.policy:
            raise ConfigError(f"{folder} was begun with another memory policy; give the same one, or another folder")
        session = cls(model, source, folder=folder, **{**settings, "policy": record.policy})
        if record.owner != session._owner:
            raise OutputError(
                f"{folder} belongs to another video than {source.name}, or another stride; give another folder"
            )
        if record.propagations:
            propagation = record.propagations[-1]
            session.tracker = session._restored(propagation, propagation.snapshots[-1])
            session._after = propagation.number, propagation.snapshots[-1]
        if record.network != session._network:
            raise OutputError(
                f"{folder} was begun with another network: other weights, image size or precision; give the same one, "
                "or another folder"
            )
        session.propagations, session.events = record.propagations, record.events[: record.known]
        session._replaying = True
        for event in record.events[record.known :]:
            session._redo(event)
        session._replaying = False
        return session

    def close(self) -> None:
        """Remove the snapshots if they lie in a temporary folder; idempotent."""
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> VideoSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, time: int, reverse: bool) -> Propagation:
        """Start a pass at a time, the tracker placed before it, or go on with the last one if nothing was changed."""
        goes_on = bool(self.propagations) and self.propagations[-1].reverse == reverse
        goes_on = goes_on and self._after == (len(self.propagations) - 1, time - self.propagations[-1].step)
        if goes_on and not self._changed:
            return self.propagations[-1]
        self._settle()
        propagation = Propagation(len(self.propagations), time, reverse)
        waiting = [t for track in self.tracker.tracks.values() for t in track.pending]
        self.tracker.commit()
        if not goes_on and (self._before != (time, reverse) or any((time - t) * propagation.step > 0 for t in waiting)):
            self._place(time, reverse)
        self.propagations.append(propagation)
        self._record(Event("propagate", time * self.stride, propagation=propagation.number))
        self._changed = False
        freed = [
            old.snapshot_path(self.folder, at)
            for old in self.propagations[:-1]
            for at in old.release(self.propagations[old.number + 1 :], self.tracker.tracks)
        ]
        self._save(propagation, time - propagation.step)
        for path in freed:  # after the record that no longer names them
            path.unlink(missing_ok=True)
        return propagation

    def _reach(self, time: int, propagation: Propagation, object_id: int) -> torch.Tensor | None:
        """Stand before a frame that a pass went over; return the logits shown there for an object without prompts."""
        track = self.tracker.tracks[object_id]
        shown = track.shown(time) if self._after == (propagation.number, time) else None
        if shown is None and not (self._before == (time, propagation.reverse) and track.prompted(time)):
            shown = self._place(time, propagation.reverse, (propagation, object_id))
        return None if shown is None else shown.logits

    @torch.inference_mode()
    def _place(self, time: int, reverse: bool, asked: tuple[Propagation, int] | None = None) -> Segmentation | None:
        shown = place_tracker(
            self.tracker, time, reverse=reverse, propagations=self.propagations, replay=self._replay, asked=asked
        )
        for track in self.tracker.tracks.values():
            if (at := track.missing_frame) is not None:
                picture = self.source.frame(at * self.stride)
                track.recompute_memory(self.tracker.net, self.tracker.features(picture, at), at)
        self._after, self._before = None, (time, reverse)
        return shown

    def _replay(self, propagation: Propagation, anchor: int, until: int) -> Iterator[tuple[int, Tracker]]:
        """Track again what a pass tracked, see `reaching.Replay`."""
        at = propagation.nearest_snapshot(anchor)
        scratch = self._restored(propagation, at)
        yield at, scratch
        for frame in self._frames(at + propagation.step, None, propagation.reverse):
            if (frame.index // self.stride - until) * propagation.step > 0:
                return
            at = frame.index // self.stride
            scratch.step(frame, at)
            yield at, scratch

    def _frames(self, begin: int, stop: int | None, reverse: bool) -> Iterator[Frame]:
        """Frames from a time on, in either direction; backward they are decoded in chunks."""
        stride = self.stride
        if not reverse:
            yield from self.source.frames(begin * stride, stop, stride)
            return
        lowest = -(-(stop or 0) // stride)
        for high in range(begin, lowest - 1, -REVERSE_CHUNK):
            low = max(lowest, high - REVERSE_CHUNK + 1)
            yield from reversed(list(self.source.frames(low * stride, high * stride + 1, stride)))

    def _restored(self, propagation: Propagation, time: int) -> Tracker:
        path = propagation.snapshot_path(self.folder, time)
        try:
            return restore(self.model, path.read_bytes())[0]
        except OSError as error:
            raise OutputError(f"{path} cannot be read ({error}); give another output folder") from error

    def _save(self, propagation: Propagation, time: int) -> None:
        write_atomically(propagation.snapshot_path(self.folder, time), dump(self.tracker))
        if time not in propagation.snapshots:
            propagation.snapshots.append(time)
        thinned = thin_snapshots(self.propagations, self.max_snapshots)
        if not self._temporary:
            write_propagations(self.folder, self.propagations, len(self.events))
        for old, at in thinned:
            old.snapshot_path(self.folder, at).unlink(missing_ok=True)

    def _record(self, event: Event) -> None:
        self.events.append(event)
        self._changed = True
        if self._owner is not None and not self._replaying:
            owner = {**self._owner, "network": self._network}
            write_events(self.folder, owner, self.tracker.policy, self.events)

    def _settle(self) -> None:
        """Save what was passed before prompts change, since the log tells only what was done, not what was shown."""
        if not self._temporary and not self._replaying:
            self.checkpoint()

    def _redo(self, event: Event) -> None:
        if event.kind == "propagate":
            return  # killed before its first frame
        if event.kind == "remove":
            assert event.object_id is not None
            self.remove_object(event.object_id)
            return
        assert event.frame is not None
        assert event.object_id is not None
        if event.kind == "prompt":
            assert event.prompt is not None
            self.add_prompt(event.frame, event.object_id, event.prompt, keep=event.keep)
        elif event.kind == "clear":
            self.clear_prompts(event.frame, event.object_id)
        else:
            self.end_object(event.object_id, event.frame)

    def _time(self, frame: int) -> int:
        length = self.source.length
        if frame < 0 or (length is not None and frame >= length):
            raise PromptError(f"frame {frame} is not in {self.source.name}; frames run from 0 to {(length or 1) - 1}")
        if frame % self.stride:
            near = frame - frame % self.stride
            raise PromptError(
                f"frame {frame} is skipped by stride {self.stride}; point at frame {near} or use stride 1"
            )
        return frame // self.stride

    def _known(self, object_id: int) -> ObjectTrack:
        if object_id not in self.tracker.tracks:
            known = ", ".join(map(str, self.tracker.tracks)) or "none"
            raise PromptError(f"there is no object {object_id}; objects: {known}")
        return self.tracker.tracks[object_id]
