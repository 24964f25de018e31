"""Prompts that wait for their frame in a stream."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sam2s.errors import PromptError
from sam2s.video.frame import Frame

from .object_track import ObjectTrack
from .preprocess import ModelPrompt, convert_prompt
from .prompts import Prompt


@dataclass(frozen=True, slots=True, eq=False)
class WaitingPrompt:
    """What was pointed at and has not met its frame yet.

    Attributes:
        frame: index of the frame; None for whichever comes next.
        object_id: the object.
        prompt: clicks, a box or a mask.
        keep: clicks add to those that were given before on the frame.
    """

    frame: int | None
    object_id: int
    prompt: Prompt
    keep: bool


DuePrompt = tuple[WaitingPrompt, ModelPrompt]


class PromptQueue:
    """Prompts in the order they were given, until their frame comes."""

    def __init__(self) -> None:
        self.waiting: list[WaitingPrompt] = []

    def state_dict(self) -> list[WaitingPrompt]:
        """The prompts that wait."""
        return list(self.waiting)

    def load_state_dict(self, state: list[WaitingPrompt]) -> None:
        """Wait with the prompts that `state_dict` gave."""
        self.waiting = list(state)

    def add(self, waiting: WaitingPrompt) -> None:
        """Let one more prompt wait."""
        self.waiting.append(waiting)

    def drop(self, object_id: int, frame: int | None = None) -> bool:
        """Drop the prompts of an object, or only those for one frame; returns whether there were any."""
        before = len(self.waiting)
        self.waiting = [w for w in self.waiting if w.object_id != object_id or frame not in (None, w.frame)]
        return len(self.waiting) < before

    def take_due(
        self, frame: Frame, side: int, ended: Collection[int], track_of: Callable[[int], ObjectTrack]
    ) -> list[DuePrompt]:
        """Take the prompts of a frame, all checked before anything is computed or remembered.

        Args:
            frame: the frame that has come.
            side: of the network's image.
            ended: objects that do not reach the frame.
            track_of: the object of an id, or a new one.

        Raises:
            PromptError: a prompt does not fit the frame, or was for an earlier one. It alone is dropped.
        """
        height, width = frame.image.shape[:2]
        due, started = list[DuePrompt](), set[int]()
        for waiting in self.waiting:
            if waiting.object_id in ended or (waiting.frame is not None and waiting.frame > frame.index):
                continue
            try:
                if waiting.frame is not None and waiting.frame < frame.index:
                    raise PromptError(
                        f"frame {waiting.frame}, on which object {waiting.object_id} was pointed at, never came; frame "
                        f"{frame.index} is here: point at a frame that is stepped"
                    )
                prompt = convert_prompt(waiting.prompt, (height, width), side)
                if waiting.object_id not in started:
                    track_of(waiting.object_id).check_start(prompt)
            except PromptError:
                self.waiting.remove(waiting)
                raise
            started.add(waiting.object_id)
            due.append((waiting, prompt))
        taken = {id(waiting) for waiting, _ in due}
        self.waiting = [waiting for waiting in self.waiting if id(waiting) not in taken]
        return due
