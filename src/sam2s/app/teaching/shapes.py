"""Shapes of what the API says and takes about teaching."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sam2s.app.requests import Strict

Minutes = Annotated[float, Field(gt=0, le=24 * 60)]
VideoIds = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=2000)]


class TeachRequest(Strict):
    """Learn from the accepted masks of some videos, or of all; `minutes` of training, measuring comes on top."""

    minutes: Minutes = 12.0
    videos: VideoIds | None = None


class UseWeightsRequest(Strict):
    """Take weights into use: the number of taught ones, or 0 for those that the server was started with."""

    number: Annotated[int, Field(ge=0, le=1 << 31)]


class LearnableVideo(BaseModel):
    """A video with accepted masks."""

    id: str
    name: str
    accepted: int


class TeachingPlanInfo(BaseModel):
    """What teaching would do on this machine: frames to learn from and held out, and `lines` for people."""

    train: int
    held_out: int
    objects: int
    rule: str
    recipe: str
    reason: str
    minutes: float
    lines: list[str]


class TeachingTask(BaseModel):
    """How far teaching is; of training, `done` and `total` are seconds."""

    state: Literal["running", "done", "failed", "stopped"]
    stage: str
    done: int
    total: int
    number: int | None
    message: str | None
    author: str | None
    videos: list[str]
    minutes: float


class TaughtItem(BaseModel):
    """Weights that were learned: from which weights and videos, what each candidate scored, which was chosen.

    `better` says whether the chosen one beats the weights before, so that it may be taken; `scores` has J&F in percent
    by prompt (`val_jf_PROMPT`), their mean (`val_jf`), and false masks (`val_false_masks`).
    """

    number: int
    name: str
    parent: str
    better: bool
    chosen: str
    videos: list[str]
    author: str | None
    minutes: float
    train: int
    held_out: int
    scores: dict[str, dict[str, float]]
    pictures: list[str]


class TeachingState(BaseModel):
    """The weights in use (`current` is their number, 0 for the first), all that were taught, and what is under way."""

    weights: str
    current: int
    first: str
    learnable: list[LearnableVideo]
    taught: list[TaughtItem]
    task: TeachingTask | None
