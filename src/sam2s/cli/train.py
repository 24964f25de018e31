"""`sam2s train`: follow a recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sam2s.training.recipe import Recipe


_Recipe = Annotated[str | None, typer.Argument(help="A recipe of the package, a YAML file, or auto; none lists them.")]
_Out = Annotated[
    Path | None, typer.Option(help="Folder for checkpoints, log and weights; a run that was begun there goes on.")
]
_Data = Annotated[
    list[str] | None, typer.Option(help="Where to learn from, in place of the recipe's; may be repeated.")
]
_Set = Annotated[
    list[str] | None, typer.Option("--set", help="a.b=value changes a setting of the recipe; may be repeated.")
]
_Val = Annotated[list[str] | None, typer.Option(help="Videos to validate on while training; may be repeated.")]
_HoldOut = Annotated[
    float | None, typer.Option(help="Share at the end of each video to validate on instead of training on it.")
]
_SplitFile = Annotated[Path | None, typer.Option(help="Division of a built set that `sam2s sasv split` wrote.")]
_DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Say what would be done, what learns, what it takes and what is missing."),
]
_Measure = Annotated[
    int, typer.Option(min=0, help="Steps that --dry-run makes to tell how long all of them take; 0 for none.")
]


def train(
    recipe: _Recipe = None,
    out: _Out = None,
    data: _Data = None,
    set_: _Set = None,
    val: _Val = None,
    hold_out: _HoldOut = None,
    split_file: _SplitFile = None,
    dry_run: _DryRun = False,
    measure: _Measure = 3,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
) -> None:
    """Train a network by a recipe; with several GPUs under torchrun.

    torchrun --nproc-per-node 4 -m sam2s train sam2s-base-plus --data DIR --out runs/a

    After Ctrl-C or a kill the same command goes on where it stopped.

    Exit status: 0 done; 1 --dry-run found that data or a text bank are missing; 2 invalid input or missing requirement;
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
        raise ConfigError("where to? Give --out DIR for checkpoints, log and weights, or --dry-run to see the plan")
    _follow(settings, out, device)


def _follow(settings: Recipe, out: Path, device: str) -> None:
    """Train, and say how it ended."""
    from sam2s.runs.validation import make_validator
    from sam2s.training.loop import train as learn

    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts
    validator = make_validator(settings, print if first else lambda _: None)
    outcome = learn(settings, out, device=device, validator=validator)
    if outcome.signal is not None:
        print(f"stopped at step {outcome.step}; the same command goes on")
        raise typer.Exit(128 + outcome.signal)
    if outcome.stopped_early:
        print("stopped early: the last validations gained nothing")
    print(f"{outcome.step} steps done; the weights are in {outcome.weights}, pictures and log.jsonl beside them")
    if outcome.best:
        print(f"the best on held-out videos: {outcome.best}; their course: {out / 'curve.svg'}")


def _flags(val: list[str] | None, hold_out: float | None, split_file: Path | None, sources: int) -> list[str]:
    """The changes of a recipe that flags stand for."""
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
    print("Look at one: sam2s train RECIPE --dry-run")
