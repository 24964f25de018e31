"""`sam2s train`: follow a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe of the package, or a YAML file; none lists them.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for checkpoints, log and weights; a run that was begun there goes on.")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Where to learn from, in place of the recipe's; may be repeated.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="a.b=value changes a setting of the recipe; may be repeated.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what would be done, what learns, how much memory it takes, what is missing."
        ),
    ] = False,
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
    from sam2s.training.recipe import load_recipe

    settings = load_recipe(recipe, set_ or (), data=data or ())
    if dry_run:
        from sam2s.training.plan import missing_inputs, plan

        print(plan(settings, device=device))
        if missing_inputs(settings):
            raise typer.Exit(1)
        return
    if out is None:
        raise ConfigError("where to? Give --out DIR for checkpoints, log and weights, or --dry-run to see the plan")
    from sam2s.training.loop import train as learn

    outcome = learn(settings, out, device=device)
    if outcome.signal is not None:
        print(f"stopped at step {outcome.step}; the same command goes on")
        raise typer.Exit(128 + outcome.signal)
    print(f"{outcome.step} steps done; the weights are in {outcome.weights}, pictures and log.jsonl beside them")


def _list() -> None:
    from sam2s.training.recipe import recipes

    for name, path in recipes().items():
        print(f"{name:32} {path.read_text().splitlines()[0].lstrip('# ').partition(': ')[2]}")
    print("Look at one: sam2s train RECIPE --dry-run")
