"""Which weights to keep: those before, those after, or an average of both, by what they do on the held-out part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sam2s.checkpoints import SEMANTIC, Checkpoint, assemble, load_checkpoint
from sam2s.checkpoints.average import average_checkpoints
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.videos import EvalVideo
from sam2s.progress import ProgressCallback, ignore_progress
from sam2s.runs.validation import measure

from .taught_weights import candidate_name

SHARES = (0.25, 0.5, 0.75)
"""Shares of the new weights in the averages that are tried; an average often beats both ends."""

FALSE_MASKS = "val_false_masks"
SCORE = "val_jf"

LEAST_GAIN = 0.5
"""Points of J&F below which a gain on a held-out part of some frames is taken for chance."""

MORE_FALSE_MASKS = 2.0
"""Points of false masks that better J&F may cost."""


@dataclass(frozen=True)
class Candidate:
    """Weights that were tried.

    Attributes:
        share: of the new weights in them: 0 before, 1 after, between them an average.
        scores: what `sam2s.runs.validation.measure` says of them.
    """

    share: float
    scores: dict[str, float]

    @property
    def name(self) -> str:
        """What tables call it."""
        return candidate_name(self.share)


def try_weights(
    before: str | Path,
    after: str | Path,
    videos: Sequence[EvalVideo],
    prompts: Sequence[Prompting],
    *,
    image_size: int | None = None,
    report_progress: ProgressCallback = ignore_progress,
) -> list[Candidate]:
    """Measure the weights before and after, and averages of both, on held-out videos.

    Args:
        before, after: names or paths.
        videos: the held-out part.
        prompts: how objects are pointed at.
        image_size: side of the network's image; None for what the weights were made for.
        report_progress: told "measuring", candidates done and candidates in all.

    Raises:
        CheckpointError: weights cannot be read, or are not of one network.
    """
    first, second = load_checkpoint(before), load_checkpoint(after)
    shares = (0.0, *SHARES, 1.0)
    candidates: list[Candidate] = []
    for share in shares:
        report_progress("measuring", len(candidates), len(shares))
        candidates.append(Candidate(share, _scores(mixed(first, second, share), videos, prompts, image_size)))
    report_progress("measuring", len(shares), len(shares))
    return candidates


def mixed(first: Checkpoint, second: Checkpoint, share: float) -> Checkpoint:
    """The weights of a candidate."""
    if share == 0:
        return first
    if share == 1:
        return second
    if second.config.semantic == "off":
        first = without_semantics(first)
    return average_checkpoints(first, second, share=share)


def without_semantics(checkpoint: Checkpoint) -> Checkpoint:
    """The same weights without CLS token and text bank, as fine-tuning without names leaves them."""
    state = {name: tensor for name, tensor in checkpoint.state.items() if not name.startswith(SEMANTIC)}
    config = replace(checkpoint.config, semantic="off", categories=(), text_encoder="", templates=())
    return Checkpoint(config, state, checkpoint.metadata)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the highest J&F whose false masks are at most `MORE_FALSE_MASKS` points above those before.

    The weights before stay where nothing gains `LEAST_GAIN` points on them: what is known is not given away for chance.
    """
    before = next(candidate for candidate in candidates if candidate.share == 0)
    most, least = before.scores.get(FALSE_MASKS, 0.0) + MORE_FALSE_MASKS, before.scores[SCORE] + LEAST_GAIN
    better = [
        candidate
        for candidate in candidates
        if candidate.scores[SCORE] >= least and candidate.scores.get(FALSE_MASKS, 0.0) <= most
    ]
    return max(better, key=lambda candidate: candidate.scores[SCORE], default=before)


def _scores(
    checkpoint: Checkpoint, videos: Sequence[EvalVideo], prompts: Sequence[Prompting], image_size: int | None
) -> dict[str, float]:
    config = checkpoint.config if image_size is None else replace(checkpoint.config, image_size=image_size)
    return measure(assemble(config, checkpoint.state).float(), videos, prompts)
