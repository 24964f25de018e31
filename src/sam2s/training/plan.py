"""What a recipe amounts to on this machine: its data, its length, its groups of parameters, its memory."""

from __future__ import annotations

from collections.abc import Sequence

from sam2s.errors import ConfigError

from .data import ClipStream, open_source, preflight
from .estimate import estimate
from .freeze import freeze, what_learns
from .optim import describe, make_optimisers
from .processes import Processes, joined
from .recipe import Recipe
from .start import Start, describe_start, read_start, start_network


def find_start(recipe: Recipe, *, sizes_only: bool = False) -> Start:
    """Find the weights that a recipe starts from; see `read_start`.

    Raises:
        CheckpointError: the weights cannot be found or read.
        ConfigError: there is no such preset, or it has no such size or no names to learn.
    """
    start = read_start(recipe.model, recipe.data.clips.size, sizes_only=sizes_only)
    if recipe.loss.tsl and start.config.semantic == "off":
        raise ConfigError(
            f"loss.tsl is {recipe.loss.tsl:g}, but the network has no CLS token to learn names with; set loss.tsl=0, "
            "or model.semantic=joint and model.bank (made by sam2s text-bank) or model.names"
        )
    return start


def open_stream(recipe: Recipe, names: Sequence[str], processes: Processes) -> ClipStream:
    """Find the data of a recipe, and how the clips of a step are shared out.

    Raises:
        ConfigError: a place does not exist, or the batch cannot be shared out evenly.
        DatasetError: there is nothing to train on, or a file is missing, damaged, or of the wrong size, or a picture in
            greys where ids are wanted.
    """
    clips, world, batch = recipe.data.clips, processes.world, recipe.run.batch
    at_once = clips.clips * world
    if batch % at_once:
        raise ConfigError(
            f"run.batch {batch} cannot be shared out evenly: {world} process{'es' * (world > 1)} with data.clips.clips "
            f"{clips.clips} take {at_once} clips at once; make run.batch a multiple of {at_once}, or change the others"
        )
    sources = [open_source(source, size=clips.size) for source in recipe.data.sources]
    if processes.first:
        preflight(sources)
    stream = ClipStream(
        sources, clips, names, seed=recipe.run.seed, rank=processes.rank, world=world, accumulate=batch // at_once
    )
    stream.batch(0)  # what holds no clip is found before anything is written
    return stream


def total_steps(recipe: Recipe, stream: ClipStream) -> int | None:
    """Optimiser steps of a recipe, None if it goes by the clock."""
    if (steps := recipe.schedule.amount("steps")) is not None:
        return round(steps)
    if (epochs := recipe.schedule.amount("epochs")) is None:
        return None
    return max(1, round(epochs * stream.epoch_steps(recipe.run.batch)))


def plan(recipe: Recipe, *, device: str = "auto") -> str:
    """What `train` would do, in words. Named weights need not be on this machine, and nothing is written.

    Raises:
        ConfigError: the recipe cannot be followed here.
        DatasetError: the data cannot be used.
    """
    with joined(device) as processes:
        start = find_start(recipe, sizes_only=True)
        stream = open_stream(recipe, start.config.categories, processes)
        network = start_network(start, recipe.model)
        freeze(network, recipe.learning)
        optimisers = make_optimisers(network, recipe.optimiser)
        steps, clips = total_steps(recipe, stream), recipe.data.clips
        length = f"{steps:,} steps" if steps else recipe.schedule.length
        lines = [
            f"network   {describe_start(start, recipe.model)}",
            f"data      {', '.join(source.name for source in stream.sources)}: {stream.epoch:,} clips an epoch",
            f"step      {recipe.run.batch} clips of {clips.frames} frames with up to {clips.objects} objects: "
            f"{processes.world} x {stream.accumulate} x {clips.clips} (processes, one after the other, at once)",
            f"length    {length} on {processes.device}",
            "learns",
            what_learns(network),
            "groups",
            describe(optimisers),
            "memory of a process, an estimate",
            estimate(network, recipe),
        ]
        return "\n".join(lines)
