"""One tracked object: its prompts, its memory, its presence. Knows nothing of other objects."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

from torch import Tensor

from sam2s.errors import PromptError
from sam2s.memory import MemoryBank
from sam2s.model import Segmentation

from .answered_prompt import AnsweredPrompt
from .appearance import describe
from .frame_context import FrameContext
from .lost_and_found import Phase, SearchState, after_prompt, without_object
from .object_segmenter import ObjectSegmenter, TrackedMask
from .preprocess import ModelPrompt
from .presence import PresenceRule, PresenceState, observe


class ObjectTrack:
    """An object from its first prompt on.

    `pending` prompts have been answered but are not remembered yet, so that several clicks on one frame see the same
    memory; `commit` makes them conditioning frames. `corrections` are remembered as recent frames are, and only until
    their frame is passed again (see `MemoryPolicy.corrections`). Only the methods change the attributes.

    Attributes:
        object_id: the caller's id.
        bank: what the object remembers.
        answers: committed prompts by time; a stream never returns to them and keeps only those of its current frame.
        pending: prompts not yet committed, by time.
        corrections: answers on tracked frames that do not become conditioning frames, by time.
        last: time and answer of the frame passed last.
        presence: state after that frame; `presence_before` the one before it.
        search: whether the object is lost, after that frame; `search_before` the state before it. Never changes where
            lost objects are not sought.
        end: index of the frame from which the object no longer exists, None if it does.
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
        """All that is known of the object, in plain containers and frozen records."""
        containers = {name: dict(getattr(self, name)) for name in ("answers", "pending", "corrections")}
        return containers | {name: getattr(self, name) for name in _VALUES} | {"bank": self.bank.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Become the object that `state_dict` was taken of."""
        for name in ("answers", "pending", "corrections"):
            setattr(self, name, dict(state[name]))
        for name in _VALUES:
            setattr(self, name, state[name])
        self.bank.load_state_dict(state["bank"])

    def prompted(self, time: int) -> AnsweredPrompt | None:
        """What was said on a frame and holds there still."""
        return self.pending.get(time) or self.answers.get(time) or self.corrections.get(time)

    def answer_at(self, time: int) -> Segmentation | None:
        """The answer on a frame if that is the one passed last."""
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
        """Refuse an empty mask as the first thing said of the object.

        Raises:
            PromptError: there is nothing to track yet.
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
        """Answer a prompt now, and remember it at the next commit unless corrections are answers only.

        Args:
            segmenter: the network.
            context: the frame.
            prompt: what was pointed at.
            keep: add clicks to those that were given before on this frame.
            tracked: the frame was tracked before, so the answer also draws on the memory behind it.
            previous: logits shown for the frame where it has no prompt yet.
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
        """Turn pending prompts into conditioning frames; that of the frame passed last counts as passed."""
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
        """Commit what was said on the frame; in a stream that never returns, drop the answers to it."""
        if not revisit:
            self.answers, self.corrections = {}, {}
        self.commit()

    def _thin(self, prompts: dict[int, AnsweredPrompt], newest: int) -> None:
        """Drop a map beyond those that can be remembered: the first stays, of the others the farthest leaves."""
        held = [time for time, prompted in prompts.items() if prompted.entry.map is not None]
        if len(held) > self.bank.policy.max_conditioning:
            first = next(iter(self.bank.conditioning), held[0])
            gone = max((time for time in held if time != first), key=lambda time: abs(time - newest))
            prompts[gone] = replace(prompts[gone], entry=prompts[gone].entry.without_map(), embedding=None)

    def clear_prompts(self, time: int) -> bool:
        """Take back all prompts on a frame; returns whether there were any."""
        gone = [prompts.pop(time, None) for prompts in (self.pending, self.answers, self.corrections)]
        self.bank.forget(time)
        return any(gone)

    def forget_frame(self, time: int) -> None:
        """Forget a frame that is remembered, whether it was given or chosen; recent frames stay."""
        if time in self.bank.conditioning:
            self.clear_prompts(time)
        self.bank.drop_long_term(time)

    def end_at(self, frame: int) -> None:
        """Let the object exist only on frames before this index."""
        self.end = frame

    @property
    def missing_frame(self) -> int | None:
        """Time of a prompt whose frame `recompute_memory` must see again before memory is read; None if of none.

        Prompts that were taken back may leave no map, or nothing to compare long-term memories with.
        """
        return self.bank.missing_reference if self.bank.conditioning else next(iter(self.answers), None)

    def recompute_memory(self, segmenter: ObjectSegmenter, context: FrameContext) -> None:
        """See the frame of a committed prompt again: its map is made again if it had to leave."""
        time, embedding = context.time, context.features.embedding
        if time not in self.bank.conditioning:
            entry = segmenter.compute_memory(context, self.answers[time].answer, prompted=True)[0]
            self.bank.add_conditioning(entry, embedding)
        self.bank.set_reference(time, embedding)

    def pass_prompt(self, segmenter: ObjectSegmenter, context: FrameContext, rule: PresenceRule) -> Segmentation:
        """Pass a frame that has a committed prompt: its answer holds, and the long-term candidates begin anew."""
        answer = self.answers[context.time].answer
        self.recompute_memory(segmenter, context)
        self.bank.interrupt()
        self.note_prompt(context, answer, rule)
        return answer

    def remember(self, context: FrameContext, found: TrackedMask, rule: PresenceRule) -> Segmentation:
        """Take in what was found of the object on a frame without a prompt."""
        self.corrections.pop(context.time, None)
        self.bank.add_tracked(found.entry, context.features.embedding, reverse=context.reverse)
        self.note(context.time, found.answer, rule)
        return found.answer

    def note_prompt(self, context: FrameContext, answer: Segmentation, rule: PresenceRule) -> None:
        """Take in the answer to a prompt on the frame that is passed: whatever was lost is found."""
        self.note(context.time, answer, rule)
        if self.bank.policy.search is not None:
            appearance = describe(context.features, answer) if bool((answer.logits > 0).any()) else None
            self.search = after_prompt(self.bank.policy.search, self.search_before, appearance)

    def doubt(self, context: FrameContext, found: TrackedMask, rule: PresenceRule, state: SearchState) -> Segmentation:
        """Take in that what was found is not, or not for certain, the object: nothing is remembered.

        Returns:
            what is shown of the object: the mask where it is uncertain, none where it is lost.
        """
        self.corrections.pop(context.time, None)
        self.pass_unjudged()
        answer = without_object(found.answer) if state.lost else found.answer
        self.note(context.time, answer, rule)
        self.search = state
        return answer

    def learn(self, state: SearchState) -> None:
        """Take over the search state of a frame on which the object was tracked."""
        self.search = state

    def pass_unjudged(self) -> None:
        """Pass a frame that is not judged: all stays as it was, but no row of confident frames goes on over it."""
        if self.bank.policy.consecutive:
            self.bank.interrupt()

    def note(self, time: int, answer: Segmentation, rule: PresenceRule) -> None:
        """Update the state of presence with the answer of a frame; a second answer to one frame replaces the first."""
        if self.last is None or self.last[0] != time:
            self.presence_before, self.search_before = self.presence, self.search
        probability = rule.probability(answer.object_logit)
        self.presence = observe(rule, self.presence_before, probability, answer.shown)
        self.last = time, answer

    def rewind(self) -> None:
        """Forget everything but the prompts, to begin another pass."""
        self.bank.restart()
        self.last = self.presence = self.presence_before = None
        self.search = self.search_before = SearchState()

    def adopt_frame(self, other: ObjectTrack, time: int) -> None:
        """Take over the memory of a frame from a replay when it is met first, while it still has its map.

        What holds on the frame whatever was tracked there goes before: its prompt, or a correction since.
        """
        if time in self.answers or time in self.bank.recent:
            return
        corrected = self.corrections.get(time)
        if corrected and corrected.entry.map is not None:
            self.bank.put_recent(corrected.entry)
        elif time in other.bank.recent:
            self.bank.put_recent(other.bank.recent[time])

    def adopt_state(self, other: ObjectTrack, time: int, rule: PresenceRule) -> None:
        """Take over the long-term memory and the presence that the object had after a frame in a replay."""
        corrected = None if time in other.answers else self.answers.get(time) or self.corrections.get(time)
        bank = copy(other.bank)  # the replay goes on from its own
        if corrected and time in self.answers:
            bank.undo(time)
        self.bank.take_long_term(bank)
        self.presence = other.presence_before if corrected else other.presence
        self.search = replace(other.search_before, phase=Phase.TRACKED) if corrected else other.search
        if corrected:
            self.note(time, corrected.answer, rule)
            if time in self.answers:
                self.bank.interrupt()


_VALUES = ("last", "presence_before", "presence", "search_before", "search", "end")
