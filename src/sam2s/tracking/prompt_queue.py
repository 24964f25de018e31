"""Prompts of a stream, queued until their frame is stepped."""

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
    """A prompt whose frame has not been stepped yet.

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
    """Prompts in the order in which they were added."""

    def __init__(self) -> None:
        self.waiting: list[WaitingPrompt] = []

    def state_dict(self) -> list[WaitingPrompt]:
        """Return the queued prompts."""
        return list(self.waiting)

    def load_state_dict(self, state: list[WaitingPrompt]) -> None:
        """Restore the prompts from `state_dict`."""
        self.waiting = list(state)

    def add(self, waiting: WaitingPrompt) -> None:
        """Add a prompt."""
        self.waiting.append(waiting)

    def drop(self, object_id: int, frame: int | None = None) -> bool:
        """Remove the prompts of an object, or only those for one frame; returns whether there were any."""
        before = len(self.waiting)
        self.waiting = [w for w in self.waiting if w.object_id != object_id or frame not in (None, w.frame)]
        return len(self.waiting) < before

    def take_due(
        self, frame: Frame, side: int, ended: Collection[int], track_of: Callable[[int], ObjectTrack]
    ) -> list[DuePrompt]:
        """Remove and return the prompts of a frame, all checked before anything is computed.

        Args:
            frame: the current frame.
            side: image size of the network.
            ended: ids of objects that have ended before the frame.
            track_of: gives the object with an id, or a new one.

        Raises:
            PromptError: a prompt does not fit the frame, or its frame was skipped. Only this prompt is dropped.
        """
        height, width = frame.image.shape[:2]
        due, started = list[DuePrompt](), set[int]()
        for waiting in self.waiting:
            if waiting.object_id in ended or (waiting.frame is not None and waiting.frame > frame.index):
                continue
            try:
                if waiting.frame is not None and waiting.frame < frame.index:
                    raise PromptError(
                        f"the prompt of object {waiting.object_id} is for frame {waiting.frame}, which was not stepped "
                        f"before frame {frame.index}; prompt a frame that is stepped"
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
