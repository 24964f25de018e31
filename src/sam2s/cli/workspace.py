"""`sam2s workspace`: show, check, back up and repair workspaces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam2s.cli import options

if TYPE_CHECKING:
    from sam2s.workspace import Workspace, WorkspaceReport

app = typer.Typer(help="Show, check, back up and repair workspaces.", no_args_is_help=True)


@app.command()
def show(folder: options.Workspace, as_json: options.Json = False) -> None:
    """Print the video of a workspace, its objects, its runs, and the number of frames with masks."""
    from sam2s.workspace import Workspace

    with Workspace.open(folder) as workspace:
        facts = _facts(workspace)
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    video = facts["video"]
    print(f"{video['name']}: {video['width']}x{video['height']}, {video['length'] or 'unknown'} frames")
    print(f"masks on {facts['frames']} frames, {facts['events']} acts")
    for entry in facts["objects"]:
        spans = ", ".join(f"{start}-{stop - 1}" for start, stop in entry["accepted"]) or "none"
        print(f"  object {entry['id']} {entry['name'] or ''}: accepted frames {spans}")
    for run in facts["runs"]:
        print(f"  run {run['run_id']}: {run['weights']}, {run['state']}, {run['frames']} frames, {run['started']}")


@app.command()
def check(folder: options.Workspace, as_json: options.Json = False) -> None:
    """Check a workspace completely: file structure, checksums, counts, and the masks that are shown.

    Exit status: 0 intact; 1 damaged; 2 it cannot be opened.
    """
    from sam2s.workspace import Workspace

    with Workspace.open(folder) as workspace:
        report = workspace.check()
    _print(report, as_json)
    if not report.whole:
        if not as_json:
            print(f"`sam2s workspace repair {folder}` keeps a copy and recovers what is intact")
        raise typer.Exit(1)


@app.command()
def backup(
    folder: options.Workspace, to: Annotated[Path, typer.Argument(help="Path of the copy, a new file.")]
) -> None:
    """Copy a workspace; works while another process writes to it."""
    from sam2s.workspace import Workspace

    with Workspace.open(folder) as workspace:
        workspace.backup(to)
    print(to)


@app.command()
def repair(folder: options.Workspace, as_json: options.Json = False) -> None:
    """Recover what can be read from a damaged workspace; a copy of the damaged file is kept."""
    from sam2s.workspace import Workspace

    report = Workspace.repair(folder)
    _print(report, as_json)
    if not as_json:
        print(f"the damaged file is kept: {report.copy}")


def _facts(workspace: Workspace) -> dict[str, Any]:
    return {
        "video": workspace.video.to_json(),
        "frames": len(workspace.frame_indices()),
        "events": len(workspace.events()),
        "objects": [
            {
                "id": info.object_id,
                "name": info.name,
                "accepted": [list(span) for span in workspace.accepted(info.object_id)],
            }
            for info in workspace.objects()
        ],
        "runs": [
            {"run_id": r.run_id, "weights": r.weights, "state": r.state, "frames": r.frames, "started": r.started}
            for r in workspace.runs.all()
        ],
    }


def _print(report: WorkspaceReport, as_json: bool) -> None:
    if as_json:
        facts = {
            "whole": report.whole,
            "problems": report.problems,
            "masks": report.masks,
            "events": report.events,
            "frames": report.frames,
            "recovered": report.recovered,
            "copy": None if report.copy is None else str(report.copy),
        }
        print(json.dumps(facts, indent=2))
        return
    for problem in report.problems:
        print(problem)
    print(f"{report.masks} masks on {report.frames} frames and {report.events} acts are whole")
