"""The tracker: one frame in, one result out, in constant memory. Everything else in sam2s is a loop over `step`."""

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
from .frame_step import step_objects
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

    An object id always denotes the same object and is never reused after the object was removed or ended. Objects share
    the image features of a frame and nothing else: the result of one is bit-identical whichever others are tracked
    (except for rounding if they are `batched`).

        tracker = Tracker(model)
        tracker.add_prompt(object_id=1, prompt=Points([(200, 260)]))
        for frame in source.frames():
            mask = tracker.step(frame).objects[1].mask

    Prompts are queued until their frame is stepped. To correct the latest frame, add a prompt and step the same frame
    again. Attributes are changed by methods only; `state_dict` and `load_state_dict` save and restore the whole state.

    Args:
        model: the network.
        policy: which frames objects remember.
        rule: when an object is visible, occluded or absent.
        stability: SAM 2.1's fallback for unstable single masks.
        num_frames: length of the video, to reproduce SAM 2.1's distances of object pointers in videos of fewer than 16
            frames; None, as for a stream, means 16.
        revisit: keep the answers to prompts, so that later propagations can return to their frames.
        batched: how objects are batched, see `settings.Batching`. Batches are faster on a GPU, where they are the
            default; rounding then depends on the number of objects.

    Attributes:
        tracks: the objects by id, in the order they were added.
        time: number of the latest frame among those that were stepped, -1 before any.
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
        """Return the whole state with its settings, in plain containers, tensors and frozen records."""
        return {
            **super().state_dict(),
            "time": self.time,
            "index": self._index,
            "gone": sorted(self.gone),
            "waiting": self._queue.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from `state_dict`, settings included; results are then bit-identical on a CPU.

        Raises:
            ConfigError: it belongs to another network.
        """
        super().load_state_dict(state)
        self.time, self._index, self.gone = state["time"], state["index"], set(state["gone"])
        self._queue.load_state_dict(state["waiting"])

    def add_prompt(self, *, frame: int | None = None, object_id: int, prompt: Prompt, keep: bool = True) -> None:
        """Prompt an object on the frame of the next `step`, or on a later one; a new id adds an object.

        Args:
            frame: index of the frame; by default the one that is stepped next.
            object_id: any integer.
            prompt: clicks, a box or a mask, (x, y) in pixels of the frame.
            keep: add clicks to earlier clicks on the same frame instead of replacing them.

        Raises:
            PromptError: the object was removed or ended, the frame has passed, or it is not a prompt.
        """
        object_id, frame = self.check_prompt(object_id, prompt), self._check_frame(frame)
        self._queue.add(WaitingPrompt(frame, object_id, prompt, keep))

    def clear_prompts(self, *, frame: int | None = None, object_id: int) -> None:
        """Remove queued prompts: those for a frame, or by default all of the object."""
        frame = None if frame is None else whole_number(frame, "frame")
        self._queue.drop(whole_number(object_id, "object_id"), frame)

    def end_object(self, *, frame: int | None = None, object_id: int) -> None:
        """Stop tracking an object from a frame on, by default the next; it accepts no further prompts.

        Raises:
            PromptError: there is no such object, or the frame has passed.
        """
        track, frame = self.known(object_id), self._check_frame(frame)
        following = 0 if self._index is None else self._index + 1
        if not self.settings.revisit and frame is not None and frame < following:
            raise PromptError(f"frame {frame} was tracked already; end object {object_id} at a later one")
        track.end_at(following if frame is None else frame)

    def remove_object(self, *, object_id: int) -> None:
        """Remove an object with its memory and its queued prompts.

        Raises:
            PromptError: there is no such object.
        """
        object_id = whole_number(object_id, "object_id")
        if not self._queue.drop(object_id):
            self.known(object_id)
        self.tracks.pop(object_id, None)
        self.gone.add(object_id)

    def check_prompt(self, object_id: int, prompt: Prompt) -> int:
        """Check a prompt and an id; returns the id as an int.

        Raises:
            PromptError: it is not a prompt, or the object was removed or ended.
        """
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
        """Track all objects on one more frame.

        Args:
            frame: the next frame, or the latest one again (same index) after a correction. A plain array, uint8
                [H, W, 3] RGB, is always the next one.
            time: number of the frame among those that are stepped; by default one more than before.
            features: image features of the frame, if they were prefetched.
            reverse: frames are stepped backward in time.
            judged: False for frames that show nothing of use, such as out-of-body frames or dense smoke: objects then
                have an empty mask and the state `NOT_JUDGED`, and neither memory nor presence is updated, so that
                tracking continues after such frames as if they were absent. Prompts on the frame are still answered.

        Raises:
            PromptError: a queued prompt does not fit the frame. It is dropped and the state is otherwise unchanged:
                step the frame again, with a corrected prompt or without.
            SourceError: the frame is not a uint8 RGB image.
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
            return self._skip_frame(frame, exist)  # nobody needs the frame's features
        context = self.context(frame, time, reverse=reverse, features=features)
        answers = step_objects(
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
        """Move to another frame, without the objects that have ended."""
        for object_id in ended:
            self.remove_object(object_id=object_id)
        for track in self.tracks.values():
            track.leave_frame(revisit=self.settings.revisit)

    def _answer_due(
        self, context: FrameContext, due: Iterable[tuple[WaitingPrompt, ModelPrompt]], *, again: bool
    ) -> dict[int, Segmentation]:
        """Answer the queued prompts of a frame; returns the last answer of each object."""
        answers: dict[int, Segmentation] = {}
        for waiting, prompt in due:
            shown = self._track(waiting.object_id).answer_at(context.time) if again else None
            previous, tracked = (None, False) if shown is None else (shown.logits, True)
            answers[waiting.object_id] = self._answer(
                context, waiting.object_id, prompt, keep=waiting.keep, tracked=tracked, previous=previous
            )
        return answers

    def _results(self, context: FrameContext, answers: dict[int, Segmentation | None]) -> dict[int, ObjectResult]:
        """Results of the objects, by id."""
        names, rule, results = name_answers(self.model, answers), self.settings.rule, dict[int, ObjectResult]()
        for i, answer in answers.items():
            track = self.tracks[i]
            results[i] = (
                not_judged(self.model, i, context.size)
                if answer is None
                else make_result(self.model, context, track, answer, rule, track.presence, names.get(i))
            )
        return results

    def _skip_frame(self, frame: Frame, tracks: list[ObjectTrack]) -> FrameResult:
        """Step objects over a frame that is not judged, without computing its features."""
        size = frame.image.shape[0], frame.image.shape[1]
        for track in tracks:
            track.skip_frame()
        return FrameResult(
            frame.index, frame.pts, {t.object_id: not_judged(self.model, t.object_id, size) for t in tracks}
        )

    def _locate(self, frame: Frame | np.ndarray, time: int | None) -> tuple[Frame, int]:
        """Check a frame and determine its time."""
        if not isinstance(frame, Frame):
            time = self.time + 1 if time is None else time
            frame = Frame(frame, time)
        check_picture(frame.image)
        if time is None:
            time = self.time if frame.index == self._index else self.time + 1
        return frame, time

    def rewind(self) -> None:
        """Reset everything except the prompts, so that tracking can start at any frame."""
        super().rewind()
        self.time, self._index = -1, None
