"""`sam2s train`: train by a recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2s.cli import options

if TYPE_CHECKING:
    from sam2s.training.recipe import Recipe


_Recipe = Annotated[
    str | None, typer.Argument(help="Name of a recipe, a YAML file, or auto; lists the recipes if omitted.")
]
_Out = Annotated[Path | None, typer.Option(help="Folder for checkpoints, log and weights; a run in it is resumed.")]
_Data = Annotated[list[str] | None, typer.Option(help="Training data, instead of the recipe's; may be repeated.")]
_Set = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting of the recipe, as a.b=value; may be repeated.")
]
_Val = Annotated[list[str] | None, typer.Option(help="Videos for validation; may be repeated.")]
_HoldOut = Annotated[float | None, typer.Option(help="Share at the end of each video to hold out for validation.")]
_DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the plan: what is trained, what it costs, what is missing."),
]
_Measure = Annotated[int, typer.Option(min=0, help="Steps that --dry-run runs to estimate the duration; 0 for none.")]


def train(
    recipe: _Recipe = None,
    out: _Out = None,
    data: _Data = None,
    set_: _Set = None,
    val: _Val = None,
    hold_out: _HoldOut = None,
    split_file: options.SplitFile = None,
    dry_run: _DryRun = False,
    measure: _Measure = 3,
    device: options.Device = "auto",
) -> None:
    """Train a network by a recipe; use torchrun for several GPUs.

    torchrun --nproc-per-node 4 -m sam2s train sam2s-base-plus --data DIR --out runs/a

    After Ctrl-C or a kill the same command resumes.

    Exit status: 0 done; 1 with --dry-run, data or a text bank are missing; 2 invalid input or missing requirement;
    130 or 143 after Ctrl-C or a kill.
    """
    from sam2s.errors import ConfigError

    if recipe is None:
        _list()
        return
    from sam2s.training.advice import AUTO, advise
    from sam2s.training.recipe import load_recipe

    changes = [*_flags(val, hold_out, split_file, len(data or [""])), *(set_ or ())]
    if recipe == AUTO:
        advice = advise(device)
        print(f"{advice.recipe}: {advice.reason}")
        recipe, changes = advice.recipe, [*advice.overrides, *changes]
    settings = load_recipe(recipe, changes, data=data or ())
    if dry_run:
        from sam2s.training.plan import missing_inputs, plan

        print(plan(settings, device=device, measured_steps=measure))
        if missing_inputs(settings):
            raise typer.Exit(1)
        return
    if out is None:
        raise ConfigError(
            "--out is missing; give --out DIR for checkpoints, log and weights, or --dry-run to see the plan"
        )
    _follow(settings, out, device)


def _follow(settings: Recipe, out: Path, device: str) -> None:
    """Train, and print the outcome."""
    from sam2s.runs.validation import make_validator
    from sam2s.training.loop import train as learn

    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts
    validator = make_validator(settings, print if first else lambda _: None)
    outcome = learn(settings, out, device=device, validator=validator)
    if outcome.signal is not None:
        print(f"stopped at step {outcome.step}; the same command resumes")
        raise typer.Exit(128 + outcome.signal)
    if outcome.stopped_early:
        print("stopped early: the last validations brought no improvement")
    print(f"{outcome.step} steps done; the weights are in {outcome.weights}, with log.jsonl and pictures")
    if outcome.best:
        print(f"best weights on held-out videos: {outcome.best}; curves: {out / 'curve.svg'}")


def _flags(val: list[str] | None, hold_out: float | None, split_file: Path | None, sources: int) -> list[str]:
    """Flags as changes of the recipe."""
    import json

    changes = []
    if val:
        changes += [f"validation.places={json.dumps(val)}", "validation.split=null"]
    if hold_out is not None:
        changes += [f"data.sources.{number}.hold_out={hold_out}" for number in range(sources)]
    if split_file is not None:
        changes += [f"data.sources.{n}.split_file={json.dumps(str(split_file))}" for n in range(sources)]
    return changes


def _list() -> None:
    from sam2s.training.recipe import recipes

    for name, path in recipes().items():
        print(f"{name:32} {path.read_text().splitlines()[0].lstrip('# ').partition(': ')[2]}")
    print("Show the plan of one: sam2s train RECIPE --dry-run")
