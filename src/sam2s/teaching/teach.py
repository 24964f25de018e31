"""Fine-tune on what was accepted, measure on what was held out, and keep the weights only if they are better."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2s.checkpoints import load_checkpoint, save_checkpoint
from sam2s.errors import ConfigError
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.rules import Prompting
from sam2s.progress import ProgressCallback, ignore_progress
from sam2s.training.advice import advise
from sam2s.training.loop import train
from sam2s.training.recipe import Recipe, load_recipe

from .accepted_set import AcceptedSet, survey_accepted_set, write_accepted_set
from .pictures import write_pictures
from .taught_weights import TaughtFolder, TaughtWeights
from .trial import Candidate, choose, mixed, try_weights

PROMPTS = (Prompting.MASK, Prompting.BOX, Prompting.CLICK_3)


@dataclass(frozen=True)
class TeachingPlan:
    """What teaching will do on this machine.

    Attributes:
        accepted: the data.
        recipe: name of the recipe of training.
        overrides: what is changed of it.
        reason: why this recipe, in a sentence.
        minutes: of training; measuring comes on top.
    """

    accepted: AcceptedSet
    recipe: str
    overrides: tuple[str, ...]
    reason: str
    minutes: float

    def lines(self) -> list[str]:
        """For people."""
        a = self.accepted
        return [
            f"learns from {a.train} accepted frames of {a.objects} object{'s' if a.objects > 1 else ''}, "
            f"for {self.minutes:g} minutes",
            f"measures on {a.val} frames held out: {a.rule}",
            f"{self.recipe}: {self.reason}",
        ]


def plan_teaching(
    workspaces: Sequence[Path],
    out: Path,
    *,
    weights: str = "micro",
    minutes: float = 12.0,
    device: str = "auto",
) -> TeachingPlan:
    """Say what would be learned from, and choose recipe, size and precision by the machine; nothing is written.

    Args:
        workspaces: what to learn from.
        out: folder of taught weights; the data will go into its `data`.
        weights: name or path of those to start from.
        minutes: of training.
        device: as for `sam2s.load`.

    Raises:
        ConfigError: the minutes or the device cannot be used.
        DatasetError: too little is accepted.
    """
    if not 0 < minutes <= 10_000:
        raise ConfigError(f"--minutes {minutes:g} cannot be used; give more than 0 and at most 10000")
    accepted = survey_accepted_set(workspaces, out / "data")
    advice = advise(device)
    overrides = (
        *advice.overrides,
        f"model.init={json.dumps(str(weights))}",
        f"schedule.length={json.dumps(f'{minutes:g} minutes')}",
        "validation.every=0",
        "run.average_start=[]",  # averages are tried here, on the held-out part
    )
    return TeachingPlan(accepted, advice.recipe, overrides, advice.reason, minutes)


def teach(
    workspaces: Sequence[Path],
    out: Path,
    *,
    weights: str = "micro",
    minutes: float = 12.0,
    device: str = "auto",
    author: str | None = None,
    use: bool = True,
    report_progress: ProgressCallback = ignore_progress,
) -> TaughtWeights:
    """Learn from accepted masks.

    The weights that are in use in `out` are fine-tuned for some minutes; then those before, those after and averages of
    both are measured on the held-out part, for a mask, a box and three clicks. The best come into use, if they are not
    those before. Nothing that was there is overwritten: `TaughtFolder.use` goes back.

    Args: as for `plan_teaching`, and
        weights: counts only as long as nothing was learned in `out`.
        author: who asked for it.
        use: whether better weights come into use at once.
        report_progress: told what is done, how much of it, and how much there is.

    Raises:
        ConfigError, DatasetError: as `plan_teaching`.
        SourceError: a video is not where it was.
        DivergedError: the loss became no number; the weights before stay in use.
    """
    folder = TaughtFolder(out, weights)
    parent, number = folder.current, folder.next_number()
    plan = plan_teaching(workspaces, out, weights=parent, minutes=minutes, device=device)
    write_accepted_set(workspaces, plan.accepted.folder, report_progress=report_progress)
    began = time.monotonic()

    def report_step(_: str) -> None:
        report_progress("training", round(time.monotonic() - began), round(60 * minutes))

    recipe = teaching_recipe(plan)
    outcome = train(recipe, out / f"{number:03d}" / "training", device=device, report_progress=report_step)
    if outcome.signal is not None:
        raise KeyboardInterrupt
    candidates, share = _judge(folder, parent, outcome.weights, plan, recipe.data.clips.size, report_progress)
    taught = TaughtWeights(
        number,
        parent,
        share > 0,
        share,
        tuple(map(str, workspaces)),
        round((time.monotonic() - began) / 60, 2),
        (plan.accepted.train, plan.accepted.val),
        {candidate.name: candidate.scores for candidate in candidates},
        author,
    )
    if taught.taken:
        _draw(folder, taught, plan, recipe.data.clips.size, report_progress)
    folder.add(taught, use=use)
    return taught


def _draw(
    folder: TaughtFolder, taught: TaughtWeights, plan: TeachingPlan, image_size: int, report_progress: ProgressCallback
) -> None:
    """Write pictures of the weights before and after on the held-out part."""
    write_pictures(
        load_checkpoint(taught.parent),
        load_checkpoint(folder.path(taught.number)),
        open_videos([str(plan.accepted.folder)], split="val"),
        folder.pictures(taught.number),
        image_size=image_size,
        report_progress=report_progress,
    )


def _judge(
    folder: TaughtFolder,
    before: str,
    after: Path,
    plan: TeachingPlan,
    image_size: int,
    report_progress: ProgressCallback,
) -> tuple[list[Candidate], float]:
    """Measure the candidates on the held-out part, and write the best if they are new; returns their share."""
    videos = open_videos([str(plan.accepted.folder)], split="val")
    candidates = try_weights(before, after, videos, PROMPTS, image_size=image_size, report_progress=report_progress)
    best = choose(candidates)
    if best.share > 0:
        config, state, metadata = mixed(load_checkpoint(before), load_checkpoint(after), best.share)
        save_checkpoint(folder.path(folder.next_number()), state, config, metadata)
    return candidates, best.share


def teaching_recipe(plan: TeachingPlan) -> Recipe:
    """The recipe of a plan, on its data."""
    return load_recipe(plan.recipe, plan.overrides, data=(str(plan.accepted.folder),))
