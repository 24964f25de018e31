"""The steps of a run: what is learned, told, saved and measured from one to the next."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch
import yaml
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from sam2s.files import write_atomically
from sam2s.model import build
from sam2s.signals import signals

from .batch import ClipBatch
from .data import training_loader
from .divergence import refuse_step
from .optim import set_rates
from .pace import Pace
from .picture import draw_batch
from .processes import Processes
from .run_log import Means, RunLog, memory_gib
from .setup import TrainingSetup
from .validation import SCORE, Scores, Validator, averaged

StepCallback = Callable[[int, float, dict[str, float]], None]
"""Told after each step: its number, the share of the run that is done, and what the log says of it."""


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a run ended.

    Attributes:
        step: optimiser steps done, in all.
        weights: what has been learned.
        signal: the signal that ended the run early, or None.
        best: the weights that did best on held-out videos, None where nothing was validated.
        stopped_early: whether the run ended because the validations gained nothing any more.
    """

    step: int
    weights: Path
    signal: int | None
    best: Path | None = None
    stopped_early: bool = False


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Signals as requests to stop; in a thread, where Python hears of none, whoever started it has `should_stop`."""
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    with signals() as caught:
        yield caught


class Trainer:
    """Steps, checkpoints and validations of one run.

    Args:
        setup: the run.
        validator: measures weights, or None.
        on_step: told of every step, in the first process.
        should_stop: asked before every step.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        validator: Validator | None,
        on_step: StepCallback | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self.setup, self.recipe, self.state = setup, setup.recipe, setup.state
        self.processes: Processes = setup.processes
        self.validator, self.on_step, self.should_stop = validator, on_step, should_stop
        self.parameters = [p for p in self.state.model.parameters() if p.requires_grad]
        self.means = Means()
        self.began = time.monotonic() - self.state.elapsed
        self.saved = time.monotonic()
        done = self.state.step if setup.steps else self.state.elapsed
        self.pace = Pace(done, setup.steps or setup.seconds, by_clock=not setup.steps)

    def run(self) -> TrainingOutcome:
        """Go to the end, or until a signal comes."""
        run, state, first = self.recipe.run, self.state, self.processes.first
        batches = training_loader(
            self.setup.stream,
            start_step=state.step,
            workers=self.recipe.data.workers,
            pin=self.processes.device.type == "cuda",
        )
        if first:
            text = yaml.safe_dump(self.recipe.to_dict(), sort_keys=False)
            write_atomically(state.folder / "recipe.yaml", text.encode())
        log = RunLog(
            state.folder,
            step=state.step,
            pace=self.pace,
            active=first,
            settings=self.recipe.to_dict(),
            wandb=run.wandb,
        )
        finished = False
        with _signals() as caught, log:
            self._validate(log)
            while not (finished := self._finished()):
                ticked = time.monotonic()
                parts = [next(batches) for _ in range(self.setup.stream.accumulate)]
                waited = time.monotonic() - ticked
                objects, stop, state.elapsed = self.processes.sum(
                    sum(len(part.owner) for part in parts),
                    len(caught) + self.should_stop(),
                    time.monotonic() - self.began if first else 0.0,
                )
                if stop:  # every process hears of a signal to one of them
                    break
                if finished := self._progress() >= 1:
                    break
                record = self._step(parts, objects, log)
                record |= {"seconds": time.monotonic() - ticked, "waited": waited}
                self._after_step(record, log)
            self._end(log, finished=finished)
        return TrainingOutcome(
            state.step,
            state.weights,
            caught[0] if caught else None,
            state.best_weights if state.validation.best_step >= 0 else None,
            self._stopped_early(),
        )

    def _progress(self) -> float:
        """Share of the run that is done."""
        steps = self.setup.steps
        return self.state.step / steps if steps else self.state.elapsed / self.setup.seconds

    def _stopped_early(self) -> bool:
        patience = self.recipe.validation.patience
        return bool(patience) and self.state.validation.without_gain >= patience

    def _finished(self) -> bool:
        """Whether there is nothing left to do, alike in all processes."""
        (early,) = self.processes.sum(float(self._stopped_early() and self.processes.first))
        return bool(early) or (self.setup.steps is not None and self.state.step >= self.setup.steps)

    def _step(self, parts: list[ClipBatch], objects: float, log: RunLog) -> dict[str, float]:
        """Make one optimiser step; give what the log says of it."""
        recipe, state, progress = self.recipe, self.state, self._progress()
        factor = recipe.schedule.factor(progress)
        set_rates(state.optimisers, factor)
        every = recipe.run.visualise_every
        picture = bool(every) and (state.step + 1) % every == 0 and self.processes.first
        losses, predicted = self._backward(parts, objects, progress, picture)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, recipe.optimiser.clip_norm).item()
        if not math.isfinite(norm):
            self._refuse(norm, losses, parts)
        for optimiser in state.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        state.update_ema(recipe.run.ema_decay)
        state.step += 1
        if picture:
            log.picture(draw_batch(parts[-1], predicted), state.step)
        record = {"step": state.step, "minutes": state.elapsed / 60, **self.means.collect(self.processes)}
        memory = memory_gib(self.processes.device)
        return record | {"norm": norm, "lr": factor * recipe.optimiser.lr, "memory_gib": memory}

    def _backward(
        self, parts: list[ClipBatch], objects: float, progress: float, picture: bool
    ) -> tuple[list[Tensor], dict[int, Tensor]]:
        """Losses of the batches of a step, whose gradients add up; and what was predicted for the last one."""
        objective, processes = self.setup.objective, self.processes
        losses, predicted = [], {}
        for index, part in enumerate(parts):
            more = index + 1 < len(parts)
            with objective.no_sync() if more and isinstance(objective, DistributedDataParallel) else nullcontext():
                loss, terms, predicted = objective(
                    part.to(processes.device, non_blocking=True),
                    self.state.step,
                    index * processes.world + processes.rank,
                    objects=objects / (processes.world * len(parts)),
                    teacher=self.recipe.run.teacher_forcing * max(0.0, 1 - 2 * progress),
                    scale=self.recipe.loss.category_scale(progress),
                    keep=picture,
                )
                (loss / len(parts)).backward()
            losses.append(loss.detach())
            self.means.add({"loss": losses[-1], **terms})
        return losses, predicted

    def _refuse(self, norm: float, losses: list[Tensor], parts: list[ClipBatch]) -> NoReturn:
        """Save what was learned before a step that cannot be made, and stop."""
        state = self.state
        if self.processes.first:
            state.save(self.recipe.run.keep)
        refuse_step(norm, [loss.item() for loss in losses], parts, state.step, state.folder, self.processes)

    def _after_step(self, record: dict[str, float], log: RunLog) -> None:
        state, validation = self.state, self.recipe.validation
        log.line(record, state.step if self.setup.steps else state.elapsed)
        if self.on_step and self.processes.first:
            self.on_step(state.step, min(1.0, self._progress()), record)
        if validation.every and state.step % validation.every == 0:
            self._validate(log)
        elif self.processes.first and time.monotonic() - self.saved > 60 * self.recipe.run.save_minutes:
            self._save()

    def _save(self) -> None:
        self.state.save(self.recipe.run.keep)
        self.saved = time.monotonic()

    def _end(self, log: RunLog, *, finished: bool) -> None:
        """Measure and save what was learned; average it with the start if the run is finished."""
        if not self.processes.first:
            return
        if finished:
            self._validate(log)
        self._save()
        if finished and self.setup.start is not None:
            self._average_with_start(log)

    def _validate(self, log: RunLog) -> None:
        """Measure what has been learned unless this step was measured, keep it if it is the best, and save."""
        state = self.state
        if not (self.validator and self.recipe.validation.every and self.processes.first):
            return
        if state.validation.step == state.step:
            return
        scores = self._measure(state.learned())
        best = state.validation.note(state.step, scores)
        if best:
            state.write_weights(state.best_weights, state.learned(), validation=scores)
        log.validation(state.step, state.elapsed / 60, scores, best=best)
        self._save()

    def _measure(self, weights: dict[str, Tensor]) -> Scores:
        """What the validator says of weights; the network that learns is left alone."""
        assert self.validator is not None
        network = build(self.state.model.config).to(self.processes.device)
        network.load_state_dict(weights)
        began = time.monotonic()
        with torch.inference_mode():
            scores = self.validator(network.eval())
        self.began += time.monotonic() - began  # a length in minutes is one of learning
        return scores

    def _average_with_start(self, log: RunLog) -> None:
        """Write the best average with the weights the run started from, where one is better than what was learned."""
        state, start, shares = self.state, self.setup.start, self.recipe.run.average_start
        assert start is not None
        learned = state.learned()
        if not (self.validator and self.recipe.validation.every):
            state.write_weights(state.weights, averaged(start, learned, shares[0]), average_start=shares[0])
            return
        found = {share: self._measure(averaged(start, learned, share)) for share in shares}
        share = max(found, key=lambda each: found[each][SCORE])
        for each, scores in found.items():
            chosen = each == share and scores[SCORE] >= state.validation.best
            log.validation(state.step, state.elapsed / 60, scores, best=chosen, start_share=each)
        if found[share][SCORE] >= state.validation.best:
            state.validation.best = found[share][SCORE]
            state.save_checkpoint(self.recipe.run.keep)
            weights = averaged(start, learned, share)
            for path in (state.weights, state.best_weights):
                state.write_weights(path, weights, average_start=share, validation=found[share])
