"""The choices that a score depends on. Nothing heavy is imported here, so that the command line can name them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Literal

from sam2s.errors import ConfigError

TOLERANCE = 0.008
"""How far boundaries may lie apart, as a part of the image diagonal (DAVIS, SA-V)."""


class CountedSpan(StrEnum):
    """Which frames of a video count for an object. The two differ only for objects that appear late.

    Attributes:
        OBJECT: the protocol of the SAM2S benchmark: from the object's first appearance in the truth, where it is
            prompted, to the last annotated frame; of these the first and the last are dropped.
        VIDEO: what the official SA-V evaluator does: the first and the last annotated frame of the video are dropped;
            of the rest the object counts from the first frame on which truth or prediction shows it.
    """

    OBJECT = "object"
    VIDEO = "video"


class Missing(StrEnum):
    """What to do about frames or videos that the prediction lacks: stop, or count them as predicted empty."""

    ERROR = "error"
    EMPTY = "empty"


class Layout(StrEnum):
    """How folders of PNG files are to be read.

    Attributes:
        AUTO: `objects` where sibling folders are called 000, 001, ..., else `labels`.
        LABELS: one folder a video, one PNG a frame, pixel values are object ids (DAVIS, YouTube-VOS, MOSE).
        OBJECTS: one folder a video, in it one folder an object, pixel values are 0 or not (SA-V).
    """

    AUTO = "auto"
    LABELS = "labels"
    OBJECTS = "objects"


class Prompting(StrEnum):
    """How a tracker is told what to track.

    The first five point once, on the frame on which the object first appears; clicks follow the rule of `clicks.py`.
    The other two are the interactive protocols of SAM 2, with three clicks a frame: OFFLINE prompts the worst frame of
    the whole video and propagates again, several rounds long; ONLINE goes over the video once, and corrects where the
    mask has fallen below an IoU of 0.75.
    """

    CLICK_1 = "1-click"
    CLICK_3 = "3-click"
    CLICK_5 = "5-click"
    BOX = "box"
    MASK = "mask"
    OFFLINE = "offline"
    ONLINE = "online"

    @property
    def interactive(self) -> bool:
        """Whether more frames than the first are prompted."""
        return self in (Prompting.OFFLINE, Prompting.ONLINE)

    @property
    def clicks(self) -> int:
        """Clicks on a prompted frame; 0 for a box or a mask."""
        return 3 if self.interactive else int(self[0]) if self.endswith("-click") else 0


@dataclass(frozen=True)
class Rules:
    """Everything that decides a score besides the masks.

    Attributes:
        span: which frames count for an object.
        skip_first_last: whether the first and the last frame of that span are dropped.
        missing: what to do about frames and videos that the prediction lacks.
        tolerance: how far boundaries may lie apart, as a part of the image diagonal.
        void: in label maps of the truth, the value of pixels that nobody decided, which count for nobody; "auto": 255,
            in a video that has other ids too (DAVIS 2017, Endoscapes), and none where there is a file for each object.
    """

    span: CountedSpan = CountedSpan.OBJECT
    skip_first_last: bool = True
    missing: Missing = Missing.ERROR
    tolerance: float = TOLERANCE
    void: int | Literal["auto"] | None = "auto"

    def as_dict(self) -> dict[str, object]:
        """The rules as they go into a report."""
        return asdict(self)


def parse_void(text: str) -> int | Literal["auto"] | None:
    """Read `auto`, `none`, or a value from 1 to 65535.

    Raises:
        ConfigError: it is none of them.
    """
    if text == "auto":
        return "auto"
    if text == "none":
        return None
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise ConfigError(f"--void {text!r} is not auto, none, or a value of pixels from 1 to 65535")
