"""A frame on which a person pointed at an object, once the network has answered."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from sam2s.memory import MemoryEntry
from sam2s.model import Segmentation

from .preprocess import ModelPrompt


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredPrompt:
    """A frame on which a person pointed at the object.

    Attributes:
        prompt: everything said about the object on that frame.
        answer: the network's answer, which is the object's mask on that frame whenever it is passed, unless it is one
            of the `corrections`.
        entry: memory of the answer.
        tracked: whether the frame was tracked before, so that the answer also draws on memory.
        embedding: the frame's image embedding, needed until the entry is committed; None if the map had to leave.
    """

    prompt: ModelPrompt
    answer: Segmentation
    entry: MemoryEntry
    tracked: bool
    embedding: Tensor | None = None
