"""What a recipe amounts to on this machine: its data, its length, its groups of parameters, its memory."""

from __future__ import annotations

from pathlib import Path

from sam2s.device import resolve_precision

from .data import ClipStream
from .estimate import estimate
from .freeze import freeze, what_learns
from .initial_weights import build_initial_network, describe_initial_weights
from .inputs import batches_of_a_step, find_initial_weights, open_stream, total_steps
from .measure import measure
from .optim import describe, make_optimisers
from .processes import Processes, joined
from .recipe import Recipe


def describe_data(stream: ClipStream) -> str:
    """The sources, and how much there is of them."""
    return f"{', '.join(source.name for source in stream.sources)}: {stream.epoch:,} clips an epoch"


def missing_inputs(recipe: Recipe) -> list[str]:
    """What a recipe needs that is not on this machine yet, and where it comes from."""
    places = [place for source in recipe.data.sources for place in source.needs]
    missing = [
        f"data {place}: there is no such folder; build it, or name yours with --data"
        for place in places
        if not Path(place).expanduser().exists()
    ]
    if (bank := recipe.model.bank) and not Path(bank).expanduser().exists():
        missing.append(f"text bank {bank}: make it with sam2s text-bank --out {bank}")
    return missing


def precision_name(recipe: Recipe, processes: Processes) -> str:
    """What a recipe computes in on this machine: float32, bfloat16."""
    return str(resolve_precision(recipe.run.precision, processes.device)).removeprefix("torch.")


def plan(recipe: Recipe, *, device: str = "auto", measured_steps: int = 0) -> str:
    """What `train` would do, in words, as far as it can be told without `missing_inputs`. Nothing is written.

    Named weights need not be on this machine.

    Args:
        recipe: what would be followed.
        device: as for `train`.
        measured_steps: steps to make on this machine to say how long all of them take; 0 for none, and none are made
            where something is missing.

    Raises:
        ConfigError: the recipe cannot be followed here.
        DatasetError: the data cannot be used.
    """
    with joined(device) as processes:
        initial = find_initial_weights(recipe, sizes_only=True)
        accumulate = batches_of_a_step(recipe, processes)
        missing = missing_inputs(recipe)
        stream = None
        if all(Path(place).expanduser().exists() for source in recipe.data.sources for place in source.needs):
            stream = open_stream(recipe, initial.config.categories, processes)
        network = build_initial_network(initial, recipe.model)
        freeze(network, recipe.learning)
        optimisers = make_optimisers(network, recipe.optimiser)
        steps, clips = total_steps(recipe, stream) if stream else None, recipe.data.clips
        length = f"{steps:,} steps" if steps else recipe.schedule.length
        lines = [
            *(f"missing   {what}" for what in missing),
            f"network   {describe_initial_weights(initial, recipe.model)}",
            f"data      {describe_data(stream) if stream else 'missing'}",
            f"step      {recipe.run.batch} clips of {clips.frames} frames with up to {clips.objects} objects: "
            f"{processes.world} x {accumulate} x {clips.clips} (processes, one after the other, at once)",
            f"length    {length} on {processes.device} in {precision_name(recipe, processes)}",
            *([f"time      {measure(recipe, processes, measured_steps)}"] if measured_steps and not missing else []),
            "learns",
            what_learns(network),
            "groups",
            describe(optimisers),
            "memory of a process, an estimate",
            estimate(network, recipe),
        ]
        return "\n".join(lines)
