"""Batches without end, in an order that depends on the seed alone.

What an optimiser step sees is a matter of the seed and the number of the step: clip i of step k is drawn with a
generator of (seed, k, i). It does not matter how many loader workers there are, whether the run was resumed at k, and
whether the clips of the step are shared out over processes, gradient accumulation, or larger batches.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from sam2s.errors import ConfigError, DatasetError, Sam2sError
from sam2s.processes import watch_parent
from sam2s.training.batch import ClipBatch

from .clip import Clip, cut_clip
from .clip_settings import ClipSettings
from .interruption import DARK, dark_frames, draw_span, interrupt
from .sampling import LONG_TERM
from .video import Source, TrainingVideo

Kind = Literal["pictures", "divemem", "consecutive"]

GIVE_UP = 100
"""Videos in which no clip was found before the data are taken to hold none."""


@dataclass(frozen=True)
class ClipStream(Dataset[ClipBatch | Sam2sError]):
    """The batches of one process by number; all processes have the same kind of batch in the same step.

    Attributes:
        sources: drawn from by their weights and how many clips each has.
        settings: what clips are like.
        names: categories that have a number.
        seed: decides everything.
        rank, world: this process, and how many there are.
        accumulate: batches of one process in an optimiser step.
    """

    sources: Sequence[Source]
    settings: ClipSettings
    names: Sequence[str] = ()
    seed: int = 0
    rank: int = 0
    world: int = 1
    accumulate: int = 1

    def __post_init__(self) -> None:
        if not sum(self._shares(pictures=False)) and not sum(self._shares(pictures=True)):
            raise ConfigError("there is nothing to train on; name a source with a weight above 0")

    @property
    def picture_share(self) -> float:
        """Share of the steps that hold pictures."""
        if not sum(self._shares(pictures=True)):
            return 0.0
        return self.settings.picture_share if sum(self._shares(pictures=False)) else 1.0

    @property
    def epoch(self) -> int:
        """Clips that pass over all videos once, each counted as often as it has frames (up to its source's cap).

        Where only pictures are drawn, those that pass over all of them.
        """
        return round(sum(self._shares(pictures=self.picture_share == 1)))

    def epoch_steps(self, batch: int) -> float:
        """Optimiser steps of `batch` clips that make an epoch; those that hold pictures pass over no video."""
        if self.picture_share == 1:
            return self.epoch * self.settings.clips / (batch * self.settings.pictures)
        return self.epoch / (batch * (1 - self.picture_share))

    def kind(self, step: int) -> Kind:
        """What all batches of an optimiser step hold."""
        picture, dive = np.random.default_rng((self.seed, step, 0)).random(2)
        if picture < self.picture_share:
            return "pictures"
        return "divemem" if self.settings.frames > 1 and dive < self.settings.divemem else "consecutive"

    def batch(self, number: int) -> ClipBatch:
        """Batch `number` of this process.

        Raises:
            DatasetError: a file cannot be read, or no video has an object to start from.
        """
        step, part = divmod(number, self.accumulate)
        kind = self.kind(step)
        count = self.settings.pictures if kind == "pictures" else self.settings.clips
        first = (part * self.world + self.rank) * count
        clips = [self._clip(kind, np.random.default_rng((self.seed, step, 1 + first + i))) for i in range(count)]
        return collate(clips, LONG_TERM if kind == "divemem" else 0)

    def __getitem__(self, number: int) -> ClipBatch | Sam2sError:
        """Batch `number`, or the error that a loader worker could not raise in one line."""
        try:
            return self.batch(number)
        except Sam2sError as error:
            return error

    def _clip(self, kind: Kind, rng: np.random.Generator) -> Clip:
        frames = 1 if kind == "pictures" else self.settings.frames
        for _ in range(GIVE_UP):
            video = self._video(rng, pictures=kind == "pictures")
            if clip := cut_clip(video, self.settings, self.names, rng, frames=frames, dive=kind == "divemem"):
                return self._interrupted(clip, 1 + LONG_TERM if kind == "divemem" else 1, rng)
        places = ", ".join(source.name for source in self.sources)
        raise DatasetError(
            f"none of {GIVE_UP} videos of {places} shows an object of min_area {self.settings.min_area:g}; "
            "lower min_area, or look with sam2s data check"
        )

    def _video(self, rng: np.random.Generator, *, pictures: bool) -> TrainingVideo:
        shares = np.array(self._shares(pictures=pictures))
        return self.sources[int(rng.choice(len(shares), p=shares / shares.sum()))].draw(rng, pictures=pictures)

    def _interrupted(self, clip: Clip, first: int, rng: np.random.Generator) -> Clip:
        """The clip, or one that differs from it in some frames from `first` on."""
        settings = self.settings
        if not settings.interrupted or len(clip.images) <= first or rng.random() >= settings.interrupted:
            return clip
        span = draw_span(rng, first, len(clip.images))
        count, other = span.stop - span.start, None
        if rng.random() >= DARK:
            video = self._video(rng, pictures=False)
            other = cut_clip(video, settings, self.names, rng, frames=count, dive=False)
        return interrupt(clip, span, dark_frames(rng, count, settings.size) if other is None else other.images)

    def _shares(self, *, pictures: bool) -> list[float]:
        return [source.weight * source.clips(pictures=pictures) for source in self.sources]


def training_loader(
    stream: ClipStream, *, start_step: int = 0, workers: int = 0, pin: bool = False
) -> Iterator[ClipBatch]:
    """Yield the batches of a process without end, `stream.accumulate` for each optimiser step.

    Args:
        stream: what to yield.
        start_step: optimiser steps that were done before.
        workers: processes that read ahead, two batches each, but no more than there are processors; 0 reads when asked.
        pin: whether to put batches into page-locked memory, for faster copies to a GPU.

    Raises:
        DatasetError: a file cannot be read, or no video has an object to start from.
    """
    workers = min(workers, usable_processors())
    loader = DataLoader(
        stream,
        sampler=range(start_step * stream.accumulate, sys.maxsize),
        batch_size=None,
        num_workers=workers,
        pin_memory=pin,
        worker_init_fn=partial(_start_worker, os.getpid()),
        persistent_workers=workers > 0,
    )
    for batch in loader:
        if isinstance(batch, Sam2sError):
            raise batch
        yield batch


def usable_processors() -> int:
    """Processors that this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker(parent: int, _: int) -> None:
    """Let a loader process end with the training process, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch_parent(parent)


def collate(clips: Sequence[Clip], long_term: int) -> ClipBatch:
    """Clips of one length as a batch."""
    return ClipBatch(
        images=torch.stack([clip.images for clip in clips]),
        masks=torch.cat([clip.masks for clip in clips]),
        owner=torch.cat([torch.full((len(clip.masks),), b) for b, clip in enumerate(clips)]),
        long_term=long_term,
        known=torch.cat([clip.known for clip in clips]),
        category=torch.cat([clip.category for clip in clips]),
        times=torch.stack([clip.times for clip in clips]),
    )
