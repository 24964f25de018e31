"""The actions of a user in a session, in order, so that they can be replayed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sam2s.masks import rle
from sam2s.tracking import Box, Mask, Points, Prompt


@dataclass(frozen=True, slots=True)
class Event:
    """One action.

    Attributes:
        kind: "prompt", "clear" (prompts of a frame removed), "remove", or "end" (object gone from a frame on).
        object_id: the object.
        frame: index of the frame; None for "remove".
        prompt: the prompt, with "prompt".
        keep: whether clicks were added to earlier ones.
    """

    kind: Literal["prompt", "clear", "remove", "end"]
    object_id: int
    frame: int | None = None
    prompt: Prompt | None = None
    keep: bool = True

    def redo(self, session: object) -> None:
        """Repeat the action in a `VideoSession`."""
        getattr(session, _METHODS[self.kind])(**self.arguments())

    def arguments(self) -> dict[str, Any]:
        """Arguments of the corresponding method of `VideoSession`."""
        if self.kind == "prompt":
            return {"frame": self.frame, "object_id": self.object_id, "prompt": self.prompt, "keep": self.keep}
        if self.kind == "remove":
            return {"object_id": self.object_id}
        return {"frame": self.frame, "object_id": self.object_id}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; masks as COCO run lengths."""
        prompt = None if self.prompt is None else encode_prompt(self.prompt)
        names = ("kind", "object_id", "frame", "keep")
        return {name: getattr(self, name) for name in names} | {"prompt": prompt}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Event:
        """Read what `to_json` wrote."""
        prompt = data["prompt"]
        return cls(**{**data, "prompt": None if prompt is None else decode_prompt(prompt)})


_METHODS = {"prompt": "add_prompt", "clear": "clear_prompts", "remove": "remove_object", "end": "end_object"}


def encode_prompt(prompt: Prompt) -> dict[str, Any]:
    """A prompt as plain JSON."""
    if isinstance(prompt, Mask):
        return {"mask": rle.encode(prompt.array)}
    return {"box" if isinstance(prompt, Box) else "points": asdict(prompt)}


def decode_prompt(data: dict[str, Any]) -> Prompt:
    """Read what `encode_prompt` wrote."""
    if "mask" in data:
        return Mask(rle.decode(data["mask"]))
    return Box(**data["box"]) if "box" in data else Points(**data["points"])
