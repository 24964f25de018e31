"""What clips are like."""

from __future__ import annotations

from dataclasses import dataclass, field

from sam2s.errors import ConfigError
from sam2s.training.settings import require, require_share

from .absence import largest_share
from .augment import Augmentation
from .sampling import LONG_TERM


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipSettings:
    """What clips are like.

    Attributes:
        size: side of the image in pixels.
        frames: frames of a clip.
        clips: clips in a batch.
        pictures: single pictures in a batch of pictures.
        objects: most objects taken from a clip.
        divemem: share of clips sampled as in DiveMem, the others being consecutive frames.
        picture_share: share of batches that hold single pictures, where a source has some.
        reverse: share of consecutive clips that run backwards in time.
        strides: distances of the frames that follow each other, drawn evenly.
        long_term_visible: take long-term frames of DiveMem clips that show the clip's objects, where there are any. The
            paper leaves it open; the filter stores no other frames, so that in tracking there are no others either.
        absent: share of the frames after the first on which a clip's first object is absent, on average, whether the
            clip is a DiveMem clip or consecutive; its other objects are absent on no more frames than it. None takes
            the absences that come: many in DiveMem clips, few in consecutive ones.
        min_area: smallest share of the first frame that an object must cover.
        merge: share of clips in which one object is two taken for one: what is an object is the prompt's to say.
        interrupted: share of clips in which some frames are replaced by those of another video or by dark ones, so that
            presence is learned; DiveMem clips are interrupted after their long-term frames.
        augmentation: what is done to a clip.
    """

    size: int
    frames: int = 8
    clips: int = 1
    pictures: int = 4
    objects: int = 3
    divemem: float = 0.5
    picture_share: float = 0.2
    reverse: float = 0.0
    strides: tuple[int, ...] = (1,)
    long_term_visible: bool = True
    absent: float | None = None
    min_area: float = 0.0
    merge: float = 0.0
    interrupted: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        require(self, "size", "frames", "clips", "pictures", "objects", least=1)
        require_share(self, "divemem", "picture_share", "reverse", "min_area", "merge", "interrupted")
        if not self.strides or min(self.strides) < 1:
            raise ConfigError(f"strides are {list(self.strides)}; give distances of at least 1, such as [1]")
        if self.absent is not None and not 0 <= self.absent <= largest_share(self.frames):
            raise ConfigError(
                f"absent is {self.absent}; clips of {self.frames} frames can have 0 to "
                f"{largest_share(self.frames):.2f} of absent frames, and null leaves them to chance"
            )
        if self.divemem and 1 < self.frames <= LONG_TERM + 2:
            raise ConfigError(
                f"frames is {self.frames}, too few for DiveMem clips; give at least {LONG_TERM + 3}, or divemem 0"
            )
