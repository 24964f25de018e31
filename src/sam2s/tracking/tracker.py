"""The tracker: one frame in, one result out, in constant memory. Everything else is a loop over `step`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sam2s.errors import PromptError
from sam2s.memory import MemoryPolicy
from sam2s.model import ImageFeatures, Network, Segmentation
from sam2s.video.frame import Frame

from .frame_context import FrameContext
from .frame_walk import pass_frame
from .numbers import whole_number
from .object_group import ObjectGroup
from .object_track import ObjectTrack
from .preprocess import ModelPrompt, check_picture
from .presence import PresenceRule
from .prompt_queue import PromptQueue, WaitingPrompt
from .prompts import Prompt
from .results import FrameResult, ObjectResult, make_result, name_answers, not_judged
from .settings import Batching, TrackerSettings


class Tracker(ObjectGroup):
    """Tracks any number of objects through a stream of frames.

    An object id always means the same object and is never used again after the object was removed or ended. Objects
    share the image features of a frame and nothing else: whether one is tracked changes no bit of another's result
    (unless they are `batched`, when it may change the last).

        tracker = Tracker(model)
        tracker.add_prompt(object_id=1, prompt=Points([(200, 260)]))
        for frame in source.frames():
            mask = tracker.step(frame).objects[1].mask

    Prompts wait for their frame. To correct the frame just seen, add the prompt and step the same frame again. Nothing
    outside changes the attributes; `state_dict` and `load_state_dict` take a tracker's whole state from and to it.

    Args:
        model: the network.
        policy: what objects remember.
        rule: when an object counts as visible, occluded or absent.
        stability: SAM 2.1's fallback for unstable single masks.
        num_frames: length of the video where it is known to be under 16 frames and SAM 2.1's own rule for the
            distances of object pointers is wanted; None, as for a stream, takes 16.
        revisit: keep the answers to prompts, so that passes may return to their frames; a stream never does.
        batched: which objects go through the network together, see `settings.Batching`. That is faster on a GPU, and
            by default done there; rounding then depends on how many objects there are.

    Attributes:
        tracks: the objects by id, in the order they were added.
        time: position of the frame stepped last among those that are processed, -1 before any.
        gone: ids of objects that were removed or have ended.
    """

    def __init__(
        self,
        model: Network,
        policy: MemoryPolicy | None = None,
        *,
        rule: PresenceRule | None = None,
        stability: bool = True,
        num_frames: int | None = None,
        revisit: bool = False,
        batched: Batching = "auto",
    ) -> None:
        config, policy = model.config, policy or MemoryPolicy()
        policy, rule = policy.resolve(config.confident_iou), rule or PresenceRule()
        rule = replace(rule, scale=config.presence_scale, shift=config.presence_shift)
        super().__init__(model, TrackerSettings(policy, rule, stability, num_frames, revisit, batched))
        self.time = -1
        self.gone: set[int] = set()
        self._queue = PromptQueue()
        self._index: int | None = None  # of the frame stepped last

    def state_dict(self) -> dict[str, Any]:
        """The whole state with its settings, in plain containers, tensors and frozen records, which never change."""
        return {
            **super().state_dict(),
            "time": self.time,
            "index": self._index,
            "gone": sorted(self.gone),
            "waiting": self._queue.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the tracker that `state_dict` was taken of, settings included, to the bit on a processor.

        Raises:
            ConfigError: it was one of another network.
        """
        super().load_state_dict(state)
        self.time, self._index, self.gone = state["time"], state["index"], set(state["gone"])
        self._queue.load_state_dict(state["waiting"])

    def add_prompt(self, *, frame: int | None = None, object_id: int, prompt: Prompt, keep: bool = True) -> None:
        """Point at an object on the frame of the next `step`, or on a later one; a new id adds an object.

        Args:
            frame: index of the frame; by default the one that is stepped next.
            object_id: any whole number.
            prompt: clicks, a box or a mask, in pixels of the frame.
            keep: clicks add to earlier clicks on the same frame instead of replacing them.

        Raises:
            PromptError: the object was removed or ended, the frame has passed, or it is not a prompt.
        """
        object_id, frame = self.check_prompt(object_id, prompt), self._check_frame(frame)
        self._queue.add(WaitingPrompt(frame, object_id, prompt, keep))

    def clear_prompts(self, *, frame: int | None = None, object_id: int) -> None:
        """Take back prompts that wait: those for a frame, or by default all of the object."""
        frame = None if frame is None else whole_number(frame, "frame")
        self._queue.drop(whole_number(object_id, "object_id"), frame)

    def end_object(self, *, frame: int | None = None, object_id: int) -> None:
        """Stop tracking an object from a frame on, by default the next; its id takes no more prompts than wait.

        Raises:
            PromptError: there is no such object, or the frame has passed.
        """
        track, frame = self.known(object_id), self._check_frame(frame)
        following = 0 if self._index is None else self._index + 1
        if not self.settings.revisit and frame is not None and frame < following:
            raise PromptError(f"frame {frame} was tracked already; end object {object_id} at a later one")
        track.end_at(following if frame is None else frame)

    def remove_object(self, *, object_id: int) -> None:
        """Forget an object, its memory and prompts that wait, at once."""
        object_id = whole_number(object_id, "object_id")
        if not self._queue.drop(object_id):
            self.known(object_id)
        self.tracks.pop(object_id, None)
        self.gone.add(object_id)

    def check_prompt(self, object_id: int, prompt: Prompt) -> int:
        """Refuse what is not a prompt, and the id of an object that is gone; returns the id as an int."""
        object_id = whole_number(object_id, "object_id")
        if not isinstance(prompt, Prompt):
            raise PromptError(f"a prompt is Points, Box or Mask, got {type(prompt).__name__}: {prompt!r}")
        track = self.tracks.get(object_id)
        if object_id in self.gone or (track is not None and track.end is not None and not self.settings.revisit):
            raise PromptError(f"object {object_id} was removed or ended; ids are not used again, choose a new one")
        return object_id

    def _check_frame(self, frame: int | None) -> int | None:
        if frame is None:
            return None
        frame = whole_number(frame, "frame")
        if frame < 0:
            raise PromptError(f"frame {frame} is not in the video; frames count from 0")
        if not self.settings.revisit and self._index is not None and frame < self._index:
            raise PromptError(f"frame {frame} has passed: a Tracker never returns; use VideoSession to correct it")
        return frame

    @torch.inference_mode()
    def step(
        self,
        frame: Frame | np.ndarray,
        time: int | None = None,
        features: ImageFeatures | None = None,
        *,
        reverse: bool = False,
        judged: bool = True,
    ) -> FrameResult:
        """Track every object into a frame.

        Args:
            frame: the next frame, or the same one again (same index) after a correction. A bare array uint8 [H, W, 3]
                is always the next one.
            time: position of the frame among those that are processed; by default one more than before.
            features: of the frame, where they have been computed ahead.
            reverse: the frames come backward in time.
            judged: False where the picture is worth nothing, as outside the body or in dense smoke: objects have no
                mask there and the state `NOT_JUDGED`, nothing is remembered, and presence stays as it was, so that
                tracking goes on behind such frames as if they had not been. A prompt on the frame is answered all the
                same.

        Raises:
            PromptError: a waiting prompt does not fit the frame. It is dropped, the frame is not tracked and all else
                stays as it was: step again, with a mended prompt or without.
        """
        frame, time = self._locate(frame, time)
        again = time == self.time
        ended = [] if again or self.settings.revisit else [i for i, t in self.tracks.items() if t.ended(frame.index)]
        due = self._queue.take_due(frame, self.model.image_size, ended, self._track)
        if not again:
            self._leave_frame(ended)
        self.time, self._index = time, frame.index
        exist = [track for track in self.tracks.values() if track.exists(frame.index, time, reverse=reverse)]
        sought = due or (again and self.tracks) or (judged and exist)
        if not sought and not any(time in track.answers for track in exist):
            return self._pass_unjudged(frame, exist)  # nobody needs the frame's features
        context = self.context(frame, time, reverse=reverse, features=features)
        answers = pass_frame(
            self.segmenter,
            context,
            self.tracks.values(),
            self._answer_due(context, due, again=again),
            self.settings.rule,
            again=again,
            batched=self._batching,
            judged=judged,
        )
        return FrameResult(frame.index, frame.pts, self._results(context, answers))

    def _leave_frame(self, ended: Iterable[int]) -> None:
        """Move on to another frame, without the objects that have ended."""
        for object_id in ended:
            self.remove_object(object_id=object_id)
        for track in self.tracks.values():
            track.leave_frame(revisit=self.settings.revisit)

    def _answer_due(
        self, context: FrameContext, due: Iterable[tuple[WaitingPrompt, ModelPrompt]], *, again: bool
    ) -> dict[int, Segmentation]:
        """Answer the prompts for a frame; the last answer for each object."""
        answers: dict[int, Segmentation] = {}
        for waiting, prompt in due:
            shown = self._track(waiting.object_id).answer_at(context.time) if again else None
            previous, tracked = (None, False) if shown is None else (shown.logits, True)
            answers[waiting.object_id] = self._answer(
                context, waiting.object_id, prompt, keep=waiting.keep, tracked=tracked, previous=previous
            )
        return answers

    def _results(self, context: FrameContext, answers: dict[int, Segmentation | None]) -> dict[int, ObjectResult]:
        """What the caller sees of each object."""
        names, rule, results = name_answers(self.model, answers), self.settings.rule, dict[int, ObjectResult]()
        for i, answer in answers.items():
            track = self.tracks[i]
            results[i] = (
                not_judged(self.model, i, context.size)
                if answer is None
                else make_result(self.model, context, track, answer, rule, track.presence, names.get(i))
            )
        return results

    def _pass_unjudged(self, frame: Frame, tracks: list[ObjectTrack]) -> FrameResult:
        """Let objects pass a frame that was not judged, without its features."""
        size = frame.image.shape[0], frame.image.shape[1]
        for track in tracks:
            track.pass_unjudged()
        return FrameResult(
            frame.index, frame.pts, {t.object_id: not_judged(self.model, t.object_id, size) for t in tracks}
        )

    def _locate(self, frame: Frame | np.ndarray, time: int | None) -> tuple[Frame, int]:
        """Name a frame and the time it has, checked."""
        if not isinstance(frame, Frame):
            time = self.time + 1 if time is None else time
            frame = Frame(frame, time)
        check_picture(frame.image)
        if time is None:
            time = self.time if frame.index == self._index else self.time + 1
        return frame, time

    def rewind(self) -> None:
        """Forget everything but the prompts, to begin anywhere."""
        super().rewind()
        self.time, self._index = -1, None
