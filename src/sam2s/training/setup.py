"""What a run is made of, built from its recipe before the first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from sam2s.device import resolve_precision
from sam2s.errors import OutputError

from .clip_objective import ClipObjective, enable_activation_checkpointing
from .data import ClipStream
from .freeze import freeze, what_learns
from .initial_weights import build_initial_network, describe_initial_weights
from .inputs import find_initial_weights, open_stream, total_steps
from .lineage import describe_lineage
from .lora import plain_state
from .optim import make_optimisers
from .processes import Processes
from .recipe import Recipe
from .state import TrainState

ProgressCallback = Callable[[str], None]
"""Told what is being done, a line or a few."""


@dataclass(frozen=True)
class TrainingSetup:
    """A run that is ready to go, or to go on.

    Attributes:
        recipe: what it follows.
        processes: this process and the others.
        stream: its batches.
        steps: optimiser steps in all, None where the length is in minutes.
        state: network, optimisers, and where the run stands.
        objective: the network down to its loss, with gradients averaged over processes if there are several.
        start: what the run started from, where `run.average_start` will ask for it.
    """

    recipe: Recipe
    processes: Processes
    stream: ClipStream
    steps: int | None
    state: TrainState
    objective: ClipObjective | DistributedDataParallel
    start: dict[str, Tensor] | None

    @property
    def seconds(self) -> float:
        """Length of the run by the clock, 0 where it is given in steps."""
        return 60 * (self.recipe.schedule.amount("minutes") or 0)


def set_up(
    recipe: Recipe, out: Path, processes: Processes, report_progress: ProgressCallback = lambda _: None
) -> TrainingSetup:
    """Find weights and data, build the network and its optimisers, and go on from a checkpoint in `out`.

    Nothing is written.

    Raises:
        ConfigError: the recipe cannot be followed here.
        DatasetError: the data cannot be used.
        OutputError: the folder holds a run with other settings.
    """
    run, device = recipe.run, processes.device
    torch.manual_seed(run.seed)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    initial = find_initial_weights(recipe)
    stream = open_stream(recipe, initial.config.categories, processes)
    steps = total_steps(recipe, stream)
    network = build_initial_network(initial, recipe.model).to(device)
    start = None
    if run.average_start and processes.first:
        start = {name: tensor.detach().clone() for name, tensor in plain_state(network).items()}
    freeze(network, recipe.learning)
    optimisers = make_optimisers(network, recipe.optimiser)
    ema = {name: tensor.clone() for name, tensor in plain_state(network).items()} if run.ema_decay else None
    state = TrainState(
        out, recipe.to_dict(), network, optimisers, ema, describe_lineage(recipe, initial, processes.world)
    )
    resumed = state.resume()
    if len(set(processes.gather(state.step))) > 1:
        raise OutputError(f"the processes found different checkpoints in {out}; all machines must see the same folder")
    report_progress(f"{'going on with' if resumed else 'training'} {describe_initial_weights(initial, recipe.model)}")
    if resumed:
        report_progress(f"from step {state.step}, to {f'step {steps}' if steps else recipe.schedule.length}")
    report_progress(what_learns(network))
    if run.activation_checkpointing:
        enable_activation_checkpointing(network)
    if run.compile:
        network.image_encoder.compile()
    objective = ClipObjective(
        network,
        recipe.prompts,
        recipe.loss,
        seed=run.seed,
        precision=resolve_precision(run.precision, device),
        real_distances=run.real_distances,
    )
    return TrainingSetup(recipe, processes, stream, steps, state, _shared(objective, processes), start)


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
