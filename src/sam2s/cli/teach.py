"""`sam2s teach`: let the tracker learn from accepted masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sam2s.teaching import TaughtFolder


def teach(
    workspaces: Annotated[
        list[Path] | None, typer.Argument(help="Workspaces with accepted masks; see `sam2s app`.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of taught weights; what was learned there before is built on.")
    ] = Path("taught"),
    weights: Annotated[str, typer.Option(help="A name or a path, to begin with.")] = "micro",
    minutes: Annotated[float, typer.Option(help="Minutes of training; measuring comes on top.")] = 12.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, and do nothing else.")] = False,
    use: Annotated[int | None, typer.Option(min=0, help="Go back to weights of this number; 0: the first.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and no progress.")] = False,
) -> None:
    """Fine-tune on what people accepted, measure on what was held out, keep the weights only if they are better.

    sam2s teach runs/op-1 runs/op-2 --minutes 12

    The weights in use are then OUT/NUMBER/weights.safetensors; without workspaces they are listed.

    Exit status: 0 done, better or not; 2 invalid input or missing requirement; 130 after Ctrl-C.
    """
    from dataclasses import asdict

    from sam2s.cli.track import with_progress
    from sam2s.teaching import TaughtFolder, plan_teaching
    from sam2s.teaching import teach as learn
    from sam2s.teaching.taught_weights import score_table

    folder = TaughtFolder(out, weights)
    if use is not None:
        folder.use(use)
    if not workspaces:
        _list(folder, as_json)
        return
    show = (lambda work: work(lambda what, done, total: None)) if as_json else with_progress
    if plan:
        planned = plan_teaching(workspaces, out, weights=folder.current, minutes=minutes, device=device)
        print(json.dumps(asdict(planned), indent=2, default=str) if as_json else "\n".join(planned.lines()))
        return
    taught = show(
        lambda report: learn(workspaces, out, weights=weights, minutes=minutes, device=device, report_progress=report)
    )
    if as_json:
        print(json.dumps(asdict(taught) | {"current": folder.current}, indent=2))
        return
    print("\n".join(score_table(taught)))
    if taught.taken:
        print(f"better: {folder.current} is in use now (go back with --use {_before(folder, taught.number)})")
    else:
        print(f"not better on the held-out part: {folder.current} stays in use")


def _before(folder: TaughtFolder, number: int) -> int:
    return max([0, *(taught.number for taught in folder.all() if taught.taken and taught.number < number)])


def _list(folder: TaughtFolder, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        content = {"current": folder.current, "taught": [asdict(taught) for taught in folder.all()]}
        print(json.dumps(content, indent=2))
        return
    mark = {True: "*", False: " "}
    current = folder.current_number
    print(f"{mark[current == 0]} 0  {folder.first}")
    for taught in folder.all():
        what = f"{folder.path(taught.number)}" if taught.taken else "not better, not kept"
        print(f"{mark[current == taught.number]} {taught.number}  {what} (from {', '.join(taught.workspaces)})")
