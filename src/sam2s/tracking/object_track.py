"""One tracked object: its prompts, its memory, its presence. Independent of other objects."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

from torch import Tensor

from sam2s.errors import PromptError
from sam2s.memory import MemoryBank
from sam2s.model import Segmentation

from .answered_prompt import AnsweredPrompt
from .appearance import compute_appearance
from .frame_context import FrameContext
from .lost_and_found import Phase, SearchState, after_prompt, without_object
from .object_segmenter import ObjectSegmenter, TrackedMask
from .preprocess import ModelPrompt
from .presence import PresenceRule, PresenceState, observe


class ObjectTrack:
    """An object from its first prompt on.

    `pending` prompts have been answered but are not in the memory bank yet, so that several clicks on one frame read
    the same memory; `commit` turns them into conditioning frames. `corrections` are only part of the recent frames, and
    only until their frame is tracked again (see `MemoryPolicy.corrections`). Only the methods change the attributes.

    Attributes:
        object_id: the caller's id.
        bank: the memory bank.
        answers: committed prompts by time; a stream keeps only those of its current frame.
        pending: prompts not yet committed, by time.
        corrections: answers on tracked frames that do not become conditioning frames, by time.
        last: time and answer of the latest frame.
        presence: state after that frame; `presence_before` is the state before it.
        search: state of the search for the object after that frame; `search_before` is the state before it. Constant
            without a `SearchRule`.
        end: index of the frame from which the object no longer exists, or None.
    """

    def __init__(self, object_id: int, bank: MemoryBank) -> None:
        self.object_id = object_id
        self.bank = bank
        self.answers: dict[int, AnsweredPrompt] = {}
        self.pending: dict[int, AnsweredPrompt] = {}
        self.corrections: dict[int, AnsweredPrompt] = {}
        self.last: tuple[int, Segmentation] | None = None
        self.presence_before: PresenceState | None = None
        self.presence: PresenceState | None = None
        self.search_before = self.search = SearchState()
        self.end: int | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the complete state of the object, in plain containers and frozen records."""
        containers = {name: dict(getattr(self, name)) for name in ("answers", "pending", "corrections")}
        return containers | {name: getattr(self, name) for name in _VALUES} | {"bank": self.bank.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from `state_dict`."""
        for name in ("answers", "pending", "corrections"):
            setattr(self, name, dict(state[name]))
        for name in _VALUES:
            setattr(self, name, state[name])
        self.bank.load_state_dict(state["bank"])

    def prompted(self, time: int) -> AnsweredPrompt | None:
        """The prompts in effect on a frame, and their answer; None if there are none."""
        return self.pending.get(time) or self.answers.get(time) or self.corrections.get(time)

    def answer_at(self, time: int) -> Segmentation | None:
        """The answer on a frame if it is the latest one, else None."""
        return self.last[1] if self.last and self.last[0] == time else None

    def exists(self, frame: int, time: int, *, reverse: bool) -> bool:
        """Whether the object is tracked on a frame: at or beyond a prompt in time, and before the object's end."""
        known = self.answers or self.bank.conditioning
        if not known or self.ended(frame):
            return False
        return time <= max(known) if reverse else time >= min(known)

    def ended(self, frame: int) -> bool:
        """Whether the object no longer exists on a frame."""
        return self.end is not None and frame >= self.end

    def check_start(self, prompt: ModelPrompt) -> None:
        """Reject an empty mask as the first prompt of the object.

        Raises:
            PromptError: the mask is empty and there is no earlier prompt.
        """
        known = self.bank.conditioning or self.answers or self.pending
        if prompt.mask is not None and not known and not prompt.mask_holds_pixels:
            raise PromptError(f"the mask that starts object {self.object_id} is empty; give one with foreground pixels")

    def answer_prompt(
        self,
        segmenter: ObjectSegmenter,
        context: FrameContext,
        prompt: ModelPrompt,
        *,
        keep: bool,
        tracked: bool,
        previous: Tensor | None = None,
    ) -> Segmentation:
        """Answer a prompt; the next commit adds it to the memory bank, unless corrections are answers only.

        Args:
            segmenter: the network.
            context: the frame.
            prompt: the prompt.
            keep: add clicks to earlier ones on this frame.
            tracked: the frame was tracked before, so the answer also reads the memory.
            previous: logits [1, 1, 4h, 4w] of the frame's earlier mask, if it has no prompt yet.
        """
        time, before = context.time, self.prompted(context.time)
        if before:
            previous = before.answer.logits
            prompt = before.prompt.then(prompt) if keep else prompt
        if time in self.pending:
            tracked = self.pending[time].tracked
        only_answered = tracked and self.bank.policy.corrections == "answer" and time not in self.answers
        recall = None
        if tracked:
            bank = copy(self.bank) if only_answered else self.bank  # which then keeps its long-term memory
            bank.undo(time)
            recall = bank.recall(time, reverse=context.reverse, pointer_limit=segmenter.pointer_limit)
            if not recall.maps:  # every prompt was taken back: the object begins anew
                recall, tracked, previous = None, False, before.answer.logits if before else None
        result = segmenter.segment_prompt(context, prompt, recall=recall, previous=previous)
        prompt = prompt.without_mask()  # its run lengths are enough from here on
        answered = AnsweredPrompt(prompt, result.answer, result.entry, tracked, context.features.embedding)
        if only_answered:
            self.corrections[time] = replace(answered, embedding=None)
            self.bank.replace(result.entry)
            self._thin(self.corrections, time)
        else:
            self.corrections.pop(time, None)
            self.pending[time] = answered
            self._thin(self.pending, time)
        return result.answer

    def commit(self) -> None:
        """Turn pending prompts into conditioning frames."""
        for time, prompted in self.pending.items():
            if self.answer_at(time):
                self.bank.interrupt()
            if prompted.embedding is not None:
                self.bank.add_conditioning(prompted.entry, prompted.embedding)
            else:  # `advance` makes the map again
                self.bank.forget(time)
            self.answers[time] = replace(prompted, entry=prompted.entry.without_map(), embedding=None)
        self.pending = {}

    def leave_frame(self, *, revisit: bool) -> None:
        """Commit the prompts of the frame; a stream, which never returns to it, drops their answers."""
        if not revisit:
            self.answers, self.corrections = {}, {}
        self.commit()

    def _thin(self, prompts: dict[int, AnsweredPrompt], newest: int) -> None:
        """Keep at most `max_conditioning` maps: the first stays, of the others the farthest from `newest` goes."""
        held = [time for time, prompted in prompts.items() if prompted.entry.map is not None]
        if len(held) > self.bank.policy.max_conditioning:
            first = next(iter(self.bank.conditioning), held[0])
            gone = max((time for time in held if time != first), key=lambda time: abs(time - newest))
            prompts[gone] = replace(prompts[gone], entry=prompts[gone].entry.without_map(), embedding=None)

    def clear_prompts(self, time: int) -> bool:
        """Remove all prompts on a frame; returns whether there were any."""
        gone = [prompts.pop(time, None) for prompts in (self.pending, self.answers, self.corrections)]
        self.bank.forget(time)
        return any(gone)

    def forget_frame(self, time: int) -> None:
        """Remove a conditioning or long-term frame from the memory bank; recent frames are kept."""
        if time in self.bank.conditioning:
            self.clear_prompts(time)
        self.bank.drop_long_term(time)

    def end_at(self, frame: int) -> None:
        """Let the object exist only on frames before this index."""
        self.end = frame

    @property
    def missing_frame(self) -> int | None:
        """Time of a prompted frame that `recompute_memory` needs before memory can be read; None if there is none.

        After prompts were removed, a conditioning map or the reference of the DiveMem filter may be missing.
        """
        return self.bank.missing_reference if self.bank.conditioning else next(iter(self.answers), None)

    def recompute_memory(self, segmenter: ObjectSegmenter, context: FrameContext) -> None:
        """Recompute what was dropped for the frame of a committed prompt: its map, and the filter's reference."""
        time, embedding = context.time, context.features.embedding
        if time not in self.bank.conditioning:
            entry = segmenter.compute_memory(context, self.answers[time].answer, prompted=True)[0]
            self.bank.add_conditioning(entry, embedding)
        self.bank.set_reference(time, embedding)

    def apply_prompt(self, segmenter: ObjectSegmenter, context: FrameContext, rule: PresenceRule) -> Segmentation:
        """Step over a frame with a committed prompt: its answer is used, and the filter's candidates are cleared."""
        answer = self.answers[context.time].answer
        self.recompute_memory(segmenter, context)
        self.bank.interrupt()
        self.update_from_prompt(context, answer, rule)
        return answer

    def add_to_memory(self, context: FrameContext, found: TrackedMask, rule: PresenceRule) -> Segmentation:
        """Add the mask of a frame without a prompt to the memory bank; returns its answer."""
        self.corrections.pop(context.time, None)
        self.bank.add_tracked(found.entry, context.features.embedding, reverse=context.reverse)
        self.update_presence(context.time, found.answer, rule)
        return found.answer

    def update_from_prompt(self, context: FrameContext, answer: Segmentation, rule: PresenceRule) -> None:
        """Update the state with the answer to a prompt on the current frame; a lost object is found by it."""
        self.update_presence(context.time, answer, rule)
        if self.bank.policy.search is not None:
            appearance = compute_appearance(context.features, answer) if bool((answer.logits > 0).any()) else None
            self.search = after_prompt(self.bank.policy.search, self.search_before, appearance)

    def withhold_memory(
        self, context: FrameContext, found: TrackedMask, rule: PresenceRule, state: SearchState
    ) -> Segmentation:
        """Step over a frame whose mask is uncertain or rejected, without adding it to the memory bank.

        Returns:
            the answer that is shown: the mask if it is uncertain, an empty one if the object is lost.
        """
        self.corrections.pop(context.time, None)
        self.skip_frame()
        answer = without_object(found.answer) if state.lost else found.answer
        self.update_presence(context.time, answer, rule)
        self.search = state
        return answer

    def set_search_state(self, state: SearchState) -> None:
        """Set the search state after a frame on which the object was tracked."""
        self.search = state

    def skip_frame(self) -> None:
        """Step over a frame that is not judged: only the candidates of the filter are cleared."""
        if self.bank.policy.consecutive:
            self.bank.interrupt()

    def update_presence(self, time: int, answer: Segmentation, rule: PresenceRule) -> None:
        """Update the presence state with the answer of a frame; a second answer for a frame replaces the first."""
        if self.last is None or self.last[0] != time:
            self.presence_before, self.search_before = self.presence, self.search
        probability = rule.probability(answer.object_logit)
        self.presence = observe(rule, self.presence_before, probability, answer.shown)
        self.last = time, answer

    def rewind(self) -> None:
        """Reset everything except the prompts, to start another propagation."""
        self.bank.restart()
        self.last = self.presence = self.presence_before = None
        self.search = self.search_before = SearchState()

    def adopt_frame(self, other: ObjectTrack, time: int) -> None:
        """Copy the memory of a frame from a replay, while it still has its map.

        A prompt on the frame, or a later correction, takes precedence over the replay.
        """
        if time in self.answers or time in self.bank.recent:
            return
        corrected = self.corrections.get(time)
        if corrected and corrected.entry.map is not None:
            self.bank.put_recent(corrected.entry)
        elif time in other.bank.recent:
            self.bank.put_recent(other.bank.recent[time])

    def adopt_state(self, other: ObjectTrack, time: int, rule: PresenceRule) -> None:
        """Copy the long-term memory and the presence state after a frame from a replay."""
        corrected = None if time in other.answers else self.answers.get(time) or self.corrections.get(time)
        bank = copy(other.bank)  # the replay goes on from its own
        if corrected and time in self.answers:
            bank.undo(time)
        self.bank.take_long_term(bank)
        self.presence = other.presence_before if corrected else other.presence
        self.search = replace(other.search_before, phase=Phase.TRACKED) if corrected else other.search
        if corrected:
            self.update_presence(time, corrected.answer, rule)
            if time in self.answers:
                self.bank.interrupt()


_VALUES = ("last", "presence_before", "presence", "search_before", "search", "end")
