"""The training loop.

    torchrun --nproc-per-node 4 -m sam2s train sam2s-base-plus --data DIR --out runs/a

One process a GPU under torchrun, on one machine or many; without torchrun one process. An optimiser step sees the
same clips, prompts and random numbers however its batch is shared out over processes and accumulation, and whether or
not the run was interrupted before it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from torch.nn.parallel import DistributedDataParallel

from sam2s.checkpoints import Metadata
from sam2s.device import resolve_precision
from sam2s.errors import ConfigError, OutputError
from sam2s.files import write_atomically
from sam2s.signals import signals

from .clip_objective import ClipObjective, enable_activation_checkpointing
from .data import training_loader
from .divergence import refuse_step
from .freeze import freeze, what_learns
from .initial_weights import build_initial_network, describe_initial_weights
from .lora import plain_state
from .optim import make_optimisers, set_rates
from .picture import draw_batch
from .plan import find_initial_weights, open_stream, total_steps
from .processes import Processes, joined
from .recipe import Recipe
from .run_log import Means, RunLog, memory_gib
from .state import TrainState

ProgressCallback = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        step: optimiser steps done, in all.
        weights: what has been learned.
        signal: the signal that ended the run early, or None.
    """

    step: int
    weights: Path
    signal: int | None


def train(recipe: Recipe, out: Path, *, device: str = "auto", report_progress: ProgressCallback = print) -> Outcome:
    """Train, or go on with the run that was begun in `out`.

    Args:
        recipe: what to do.
        out: folder for checkpoints, log and weights.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps"; under torchrun each process takes the device of its number.
        report_progress: told what is being done, in the first process.

    Raises:
        ConfigError: the recipe cannot be followed here; nothing was written.
        DatasetError: the data cannot be used.
        OutputError: the folder holds a run with other settings.
        DivergedError: the loss or its gradient is no number.
    """
    with joined(device) as processes, _without_denormals():
        try:
            return _train(recipe, out, processes, report_progress if processes.first else lambda _: None)
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"{processes.device} has too little memory for this recipe; set "
                "run.activation_checkpointing=true, then smaller "
                "data.clips.clips, data.clips.objects or data.clips.size; --dry-run says what each saves"
            ) from error


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Take the smallest numbers for 0, which early gradients are full of and a processor is slow with."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _train(recipe: Recipe, out: Path, processes: Processes, report_progress: ProgressCallback) -> Outcome:
    run, device, first = recipe.run, processes.device, processes.first
    torch.manual_seed(run.seed)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    initial = find_initial_weights(recipe)
    stream = open_stream(recipe, initial.config.categories, processes)
    steps = total_steps(recipe, stream)
    network = build_initial_network(initial, recipe.model).to(device)
    freeze(network, recipe.learning)
    optimisers = make_optimisers(network, recipe.optimiser)
    ema = {name: tensor.clone() for name, tensor in plain_state(network).items()} if run.ema_decay else None
    stage = {"recipe": recipe.to_dict(), "processes": processes.world}
    about = {name: getattr(recipe.model, name) or getattr(initial.metadata, name) for name in ("licence", "note")}
    metadata = Metadata(source="sam2s train", training={"stages": [*initial.stages, stage]}, **about)
    start = {name: tensor.clone() for name, tensor in plain_state(network).items()} if run.start_share else None
    state = TrainState(out, recipe.to_dict(), network, optimisers, ema, metadata, start=start)
    resumed = state.resume()
    if len(set(processes.gather(state.step))) > 1:
        raise OutputError(f"the processes found different checkpoints in {out}; all machines must see the same folder")

    report_progress(f"{'going on with' if resumed else 'training'} {describe_initial_weights(initial, recipe.model)}")
    report_progress(what_learns(network))
    if run.activation_checkpointing:
        enable_activation_checkpointing(network)
    if run.compile:
        network.image_encoder.compile()
    precision = resolve_precision(run.precision, device)
    objective = ClipObjective(
        network,
        recipe.prompts,
        recipe.loss,
        seed=run.seed,
        precision=precision,
        real_distances=run.real_distances,
    )
    shared = _shared(objective, processes)
    parameters = [p for p in network.parameters() if p.requires_grad]
    batches = training_loader(stream, start_step=state.step, workers=recipe.data.workers, pin=device.type == "cuda")
    if first:
        write_atomically(out / "recipe.yaml", yaml.safe_dump(recipe.to_dict(), sort_keys=False).encode())
    limit = 60 * (recipe.schedule.amount("minutes") or 0)  # seconds, if there is no number of steps
    run_log = RunLog(out, step=state.step, total=steps or limit, active=first)
    means, began, saved = Means(), time.monotonic() - state.elapsed, time.monotonic()

    with signals() as caught, run_log:
        while steps is None or state.step < steps:
            ticked = time.monotonic()
            parts = [next(batches) for _ in range(stream.accumulate)]
            waited = time.monotonic() - ticked
            objects, stop, state.elapsed = processes.sum(
                sum(len(part.owner) for part in parts), len(caught), time.monotonic() - began if first else 0.0
            )
            progress = state.step / steps if steps else state.elapsed / limit
            if stop or progress >= 1:  # every process hears of a signal to one of them
                break

            factor = recipe.schedule.factor(progress)
            set_rates(optimisers, factor)
            teacher = run.teacher_forcing * max(0.0, 1 - 2 * progress)
            scale = recipe.loss.category_scale(progress)
            each = objects / (processes.world * stream.accumulate)
            picture = bool(run.visualise_every) and (state.step + 1) % run.visualise_every == 0 and first
            losses = []
            for index, part in enumerate(parts):
                part = part.to(device, non_blocking=True)
                last = index + 1 == len(parts)
                number = index * processes.world + processes.rank
                with nullcontext() if last or not isinstance(shared, DistributedDataParallel) else shared.no_sync():
                    loss, terms, shown = shared(
                        part, state.step, number, objects=each, teacher=teacher, scale=scale, keep=picture
                    )
                    (loss / len(parts)).backward()
                losses.append(loss.detach())
                means.add({"loss": losses[-1], **terms})
            norm = torch.nn.utils.clip_grad_norm_(parameters, recipe.optimiser.clip_norm).item()
            if not math.isfinite(norm):
                if first:
                    state.save(run.keep)
                refuse_step(norm, [x.item() for x in losses], parts, state.step, out, processes)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            state.update_ema(run.ema_decay)
            state.step += 1

            record = {"step": state.step, "minutes": state.elapsed / 60, **means.collect(processes), "norm": norm}
            record |= {"lr": factor * recipe.optimiser.lr, "seconds": time.monotonic() - ticked}
            run_log.line(record | {"waited": waited, "memory_gib": memory_gib(device)})
            run_log.progress(state.step if steps else state.elapsed)
            if picture:
                run_log.picture(draw_batch(part, shown), state.step)
            if first and time.monotonic() - saved > 60 * run.save_minutes:
                state.save(run.keep)
                saved = time.monotonic()
    if first:
        state.save(run.keep)
    return Outcome(state.step, state.weights, caught[0] if caught else None)


def _shared(objective: ClipObjective, processes: Processes) -> ClipObjective | DistributedDataParallel:
    """The objective, with gradients averaged over processes if there are several."""
    if processes.world == 1:
        return objective
    return DistributedDataParallel(
        objective,
        device_ids=[processes.device] if processes.device.type == "cuda" else None,
        find_unused_parameters=True,  # which heads answer depends on the prompts
        gradient_as_bucket_view=True,
        broadcast_buffers=False,
    )
