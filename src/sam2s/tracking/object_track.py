"""One tracked object: its prompts, its memory, its presence. Knows nothing of other objects."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sam2s.errors import PromptError
from sam2s.memory import MemoryBank, MemoryEntry
from sam2s.model import ImageFeatures, Segmentation

from .object_segmenter import ObjectSegmenter, Request, TrackedMask
from .preprocess import NO_CLICKS, clicks, model_mask
from .presence import Presence, PresenceRule, observe
from .prompts import Mask, Points, Prompt


@dataclass(frozen=True, slots=True, eq=False)
class Prompted:
    """A frame on which a person pointed at the object.

    Attributes:
        request: everything said about the object on that frame.
        answer: the network's answer, which is the object's mask on that frame whenever it is passed, unless it is one
            of the `corrections`.
        entry: memory of the answer.
        followed: whether the frame was tracked before, so that the answer also draws on memory.
        embedding: the frame's image embedding, needed until the entry is committed; None if the map had to leave.
    """

    request: Request
    answer: Segmentation
    entry: MemoryEntry
    followed: bool
    embedding: Tensor | None = None


class ObjectTrack:
    """An object from its first prompt on.

    `pending` prompts have been answered but are not remembered yet, so that several clicks on one frame see the same
    memory; `commit` makes them conditioning frames. `corrections` are remembered as recent frames are, and only until
    their frame is passed again (see `MemoryPolicy.corrections`).

    Attributes:
        object_id: the caller's id.
        bank: what the object remembers.
        answers: committed prompts by time; a stream never returns to them and keeps only those of its current frame.
        pending: prompts not yet committed, by time.
        corrections: answers on tracked frames that do not become conditioning frames, by time.
        last: time and answer of the frame passed last.
        presence: state after that frame; `presence_before` the one before it.
        end: time from which the object no longer exists, None if it does.
    """

    def __init__(self, object_id: int, bank: MemoryBank) -> None:
        self.object_id = object_id
        self.bank = bank
        self.answers: dict[int, Prompted] = {}
        self.pending: dict[int, Prompted] = {}
        self.corrections: dict[int, Prompted] = {}
        self.last: tuple[int, Segmentation] | None = None
        self.presence_before: Presence | None = None
        self.presence: Presence | None = None
        self.end: int | None = None

    def prompted(self, time: int) -> Prompted | None:
        """What was said on a frame and holds there still."""
        return self.pending.get(time) or self.answers.get(time) or self.corrections.get(time)

    def shown(self, time: int) -> Segmentation | None:
        """The answer on a frame if that is the one passed last."""
        return self.last[1] if self.last and self.last[0] == time else None

    def request(self, time: int, prompt: Prompt, frame_size: tuple[int, int], side: int, *, keep: bool) -> Request:
        """Merge a prompt with what was said before: clicks add up (unless `keep` is off), a box or a mask starts anew.

        Raises:
            PromptError: the prompt does not fit the frame.
        """
        if isinstance(prompt, Mask):
            if not (prompt.array.any() or self.bank.conditioning or self.answers or self.pending):
                raise PromptError(
                    f"the mask that starts object {self.object_id} is empty; give one with foreground pixels"
                )
            return Request(mask=model_mask(prompt, frame_size, side))
        before = self.prompted(time)
        old = before.request.clicks if before and keep and isinstance(prompt, Points) else NO_CLICKS
        return Request(old + clicks(prompt, frame_size, side))

    def prompt(
        self,
        net: ObjectSegmenter,
        features: ImageFeatures,
        time: int,
        request: Request,
        *,
        tracked: bool,
        reverse: bool = False,
        previous: Tensor | None = None,
    ) -> Segmentation:
        """Answer a prompt now, and remember it at the next commit unless corrections are answers only.

        Args:
            net: the network.
            features: the frame.
            time: its position.
            request: see `request`.
            tracked: the frame was tracked before, so the answer also draws on the memory behind it.
            reverse: direction in which it was tracked.
            previous: logits shown for the frame where it has no prompt yet.
        """
        before = self.prompted(time)
        logits = before.answer.logits if before else previous
        if time in self.pending:
            tracked = self.pending[time].followed
        only_answered = tracked and self.bank.policy.corrections == "answer" and time not in self.answers
        recall = None
        if tracked:
            bank = copy(self.bank) if only_answered else self.bank  # which then keeps its long-term memory
            bank.undo(time)
            recall = bank.recall(time, reverse=reverse, pointer_limit=net.pointer_limit)
            if not recall.maps:  # every prompt was taken back: the object begins anew
                recall, tracked, logits = None, False, before.answer.logits if before else None
        answer = net.segment_prompt(features, request, recall=recall, previous=logits)
        entry = net.compute_memory(features, answer, time, prompted=True)
        if only_answered:
            self.corrections[time] = Prompted(request, answer, entry, tracked)
            self.bank.replace(entry)
            self._thin(self.corrections, time)
        else:
            self.corrections.pop(time, None)
            self.pending[time] = Prompted(request, answer, entry, tracked, features.embedding)
            self._thin(self.pending, time)
        return answer

    def commit(self) -> None:
        """Turn pending prompts into conditioning frames; that of the frame passed last counts as passed."""
        for time, prompted in self.pending.items():
            if self.shown(time):
                self.bank.filter.interrupt()
            if prompted.embedding is not None:
                self.bank.add_conditioning(prompted.entry, prompted.embedding)
            else:  # `advance` makes the map again
                self.bank.forget(time)
            self.answers[time] = replace(prompted, entry=prompted.entry.without_map(), embedding=None)
        self.pending = {}

    def _thin(self, prompts: dict[int, Prompted], newest: int) -> None:
        """Drop a map beyond those that can be remembered: the first stays, of the others the farthest leaves."""
        held = [time for time, prompted in prompts.items() if prompted.entry.map is not None]
        if len(held) > self.bank.policy.max_conditioning:
            first = next(iter(self.bank.conditioning), held[0])
            gone = max((time for time in held if time != first), key=lambda time: abs(time - newest))
            prompts[gone] = replace(prompts[gone], entry=prompts[gone].entry.without_map(), embedding=None)

    def clear(self, time: int) -> None:
        """Take back all prompts on a frame."""
        self.pending.pop(time, None)
        self.answers.pop(time, None)
        self.corrections.pop(time, None)
        self.bank.forget(time)

    @property
    def missing_frame(self) -> int | None:
        """Time of a prompt whose frame `recompute_memory` must see again before memory is read; None if of none.

        Prompts that were taken back may leave no map, or nothing to compare long-term memories with.
        """
        return self.bank.missing_reference if self.bank.conditioning else next(iter(self.answers), None)

    def recompute_memory(self, net: ObjectSegmenter, features: ImageFeatures, time: int) -> None:
        """See the frame of a committed prompt again: its map is made again if it had to leave."""
        if time not in self.bank.conditioning:
            entry = net.compute_memory(features, self.answers[time].answer, time, prompted=True)
            self.bank.add_conditioning(entry, features.embedding)
        self.bank.set_reference(time, features.embedding)

    def exists(self, time: int, *, reverse: bool = False) -> bool:
        """Whether the object is tracked at a time: it lies at or beyond a prompt, and before the object's end."""
        known = self.answers or self.bank.conditioning
        if not known or (self.end is not None and time >= self.end):
            return False
        return time <= max(known) if reverse else time >= min(known)

    def advance(
        self,
        net: ObjectSegmenter,
        features: ImageFeatures,
        time: int,
        rule: PresenceRule,
        *,
        reverse: bool = False,
        found: TrackedMask | None = None,
    ) -> Segmentation:
        """Pass a frame: give the answer to its prompt if it has one, else find the object and remember it.

        What was `found` of the object in a batch with others is not computed again.
        """
        if prompted := self.answers.get(time):
            answer = prompted.answer
            self.recompute_memory(net, features, time)
            self.bank.filter.interrupt()
        else:
            self.corrections.pop(time, None)
            if found is None:
                recall = self.bank.recall(time, reverse=reverse, pointer_limit=net.pointer_limit)
                found = net.segment_from_memory(features, [recall], time)[0]
            answer, entry = found
            self.bank.add_tracked(entry, features.embedding, reverse=reverse)
        self.note(time, answer, rule)
        return answer

    def note(self, time: int, answer: Segmentation, rule: PresenceRule) -> None:
        """Update the state of presence with the answer of a frame; a second answer to one frame replaces the first."""
        if self.last is None or self.last[0] != time:
            self.presence_before = self.presence
        probability = float(torch.sigmoid(answer.object_logit))
        self.presence = observe(rule, self.presence_before, probability, answer.logits[0, 0])
        self.last = time, answer

    def rewind(self) -> None:
        """Forget everything but the prompts, to begin another pass."""
        self.bank.restart()
        self.last = self.presence = self.presence_before = None
