"""What a person did in a session, in order: enough to do it all again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sam2s.masks import rle
from sam2s.tracking.prompts import Box, Mask, Points, Prompt


@dataclass(frozen=True, slots=True)
class Event:
    """One act.

    Attributes:
        kind: "prompt", "clear" (prompts of a frame taken back), "remove", "end" (object gone from a frame on), or
            "propagate".
        frame: index of the frame it concerns.
        object_id: the object.
        prompt: what was pointed at.
        keep: clicks were added to earlier ones.
        propagation: number of the pass that a propagation made.
    """

    kind: Literal["prompt", "clear", "remove", "end", "propagate"]
    frame: int | None = None
    object_id: int | None = None
    prompt: Prompt | None = None
    keep: bool = True
    propagation: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; masks as COCO run lengths."""
        kept = {"kind": self.kind, "frame": self.frame, "object_id": self.object_id, "propagation": self.propagation}
        data: dict[str, Any] = {name: value for name, value in kept.items() if value is not None}
        if self.prompt is not None:
            data |= {"prompt": encode_prompt(self.prompt), "keep": self.keep}
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Event:
        """Read what `to_json` wrote."""
        prompt = data.get("prompt")
        return cls(**{**data, "prompt": None if prompt is None else decode_prompt(prompt)})


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
