"""`sam2s teach`: fine-tune the tracker on accepted masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2s.cli import options
from sam2s.cli.progress import stage_progress

if TYPE_CHECKING:
    from sam2s.teaching import TaughtFolder


def teach(
    workspaces: Annotated[
        list[Path] | None, typer.Argument(help="Workspaces with accepted masks; see `sam2s app`.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the fine-tuned weights; training continues from the active ones in it.")
    ] = Path("taught"),
    weights: Annotated[str, typer.Option(help="Initial weights: a name or a path.")] = "micro",
    minutes: Annotated[float, typer.Option(help="Minutes of training, without the evaluation.")] = 12.0,
    device: options.Device = "auto",
    plan: Annotated[bool, typer.Option("--plan", help="Print the plan and exit.")] = False,
    use: Annotated[
        int | None, typer.Option(min=0, help="Activate the weights with this number; 0: the initial ones.")
    ] = None,
    as_json: options.QuietJson = False,
) -> None:
    """Fine-tune on accepted masks, score on held-out ones, and activate the new weights only if they are better.

    sam2s teach runs/op-1 runs/op-2 --minutes 12

    The active weights are OUT/NUMBER/weights.safetensors. Without workspaces all weights are listed.

    Exit status: 0 done, whether better or not; 2 invalid input or missing requirement; 130 after Ctrl-C.
    """
    from dataclasses import asdict

    from sam2s.teaching import TaughtFolder, plan_teaching
    from sam2s.teaching import teach as learn
    from sam2s.teaching.taught_weights import score_table

    folder = TaughtFolder(out, weights)
    if use is not None:
        folder.use(use)
    if not workspaces:
        _list(folder, as_json)
        return
    if plan:
        planned = plan_teaching(workspaces, out, weights=folder.current, minutes=minutes, device=device)
        print(json.dumps(asdict(planned), indent=2, default=str) if as_json else "\n".join(planned.lines()))
        return
    with stage_progress(quiet=as_json) as report_progress:
        taught = learn(
            workspaces, out, weights=weights, minutes=minutes, device=device, report_progress=report_progress
        )
    if as_json:
        print(json.dumps(asdict(taught) | {"current": folder.current}, indent=2))
        return
    print("\n".join(score_table(taught)))
    if taught.taken:
        print(f"better: {folder.current} is active now (go back with --use {_before(folder, taught.number)})")
    else:
        print(f"not better on the held-out frames: {folder.current} stays active")


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
