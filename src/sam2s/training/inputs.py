"""What a recipe takes in before the first step: its initial weights, its stream of clips, its length."""

from __future__ import annotations

from collections.abc import Sequence

from sam2s.errors import ConfigError

from .data import ClipStream, open_source, preflight
from .initial_weights import InitialWeights, read_initial_weights
from .processes import Processes
from .recipe import Recipe


def find_initial_weights(recipe: Recipe, *, sizes_only: bool = False) -> InitialWeights:
    """Find the weights that a recipe starts from; see `read_initial_weights`.

    Raises:
        CheckpointError: the weights cannot be found or read.
        ConfigError: there is no such preset, or it has no such size or no names to learn.
    """
    initial = read_initial_weights(recipe.model, recipe.data.clips.size, sizes_only=sizes_only)
    if recipe.loss.tsl and initial.config.semantic == "off":
        raise ConfigError(
            f"loss.tsl is {recipe.loss.tsl:g}, but the network has no CLS token to learn names with; set loss.tsl=0, "
            "or model.semantic=joint and model.bank (made by sam2s text-bank) or model.names"
        )
    return initial


def batches_of_a_step(recipe: Recipe, processes: Processes) -> int:
    """Batches that each process takes one after the other before the weights change.

    Raises:
        ConfigError: the clips of a step cannot be shared out evenly.
    """
    clips, world, batch = recipe.data.clips, processes.world, recipe.run.batch
    at_once = clips.clips * world
    if batch % at_once:
        raise ConfigError(
            f"run.batch {batch} cannot be shared out evenly: {world} process{'es' * (world > 1)} with data.clips.clips "
            f"{clips.clips} take {at_once} clips at once; make run.batch a multiple of {at_once}, or change the others"
        )
    return batch // at_once


def open_stream(recipe: Recipe, names: Sequence[str], processes: Processes) -> ClipStream:
    """Find the data of a recipe, and how the clips of a step are shared out.

    Raises:
        ConfigError: a place does not exist, or the batch cannot be shared out evenly.
        DatasetError: there is nothing to train on, or a file is missing, damaged, or of the wrong size, or a picture in
            greys where ids are wanted.
    """
    accumulate = batches_of_a_step(recipe, processes)
    clips = recipe.data.clips
    sources = [open_source(source, size=clips.size) for source in recipe.data.sources]
    if processes.first:
        preflight(sources)
    stream = ClipStream(
        sources, clips, names, seed=recipe.run.seed, rank=processes.rank, world=processes.world, accumulate=accumulate
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
