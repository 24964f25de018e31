"""How long a run will take: a few of its steps are made, and nothing of them is kept."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from .pace import duration
from .processes import Processes
from .recipe import Recipe
from .run_log import memory_gib
from .setup import TrainingSetup, set_up

MOST_SECONDS = 60.0
"""After this time no further step is begun."""


def measure(recipe: Recipe, processes: Processes, steps: int) -> str:
    """Make steps of a recipe on this machine and say what the whole will take.

    The first step is not counted: it fills caches. Validations are not counted either.

    Raises:
        ConfigError, DatasetError: the recipe cannot be followed here.
    """
    with tempfile.TemporaryDirectory() as folder:
        setup = set_up(recipe, Path(folder) / "run", processes)
        times = _step_times(setup, steps)
    each = sum(times[1:] or times) / len(times[1:] or times)
    said = f"{each:.2f} s a step, measured on {len(times[1:] or times)}"
    memory = f"{memory_gib(processes.device):.1f} GiB"
    if setup.steps:
        return f"{said}: {duration(each * setup.steps)} for {setup.steps:,} steps; {memory} used"
    return f"{said}: about {setup.seconds / each:,.0f} steps in {duration(setup.seconds)}; {memory} used"


def _step_times(setup: TrainingSetup, steps: int) -> list[float]:
    """Seconds of each of the first steps, made as the loop makes them."""
    stream, processes = setup.stream, setup.processes
    times: list[float] = []
    began = time.monotonic()
    for step in range(steps + 1):
        ticked = time.monotonic()
        for number in range(stream.accumulate):
            batch = stream.batch(step * stream.accumulate + number).to(processes.device)
            objects = float(len(batch.owner))
            loss, _, _ = setup.objective(batch, step, number, objects=objects, teacher=0.0, scale=100.0, keep=False)
            loss.backward()
        for optimiser in setup.state.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        times.append(time.monotonic() - ticked)
        if time.monotonic() - began > MOST_SECONDS:
            break
    return times
