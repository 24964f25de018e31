"""`sam2s analyze`: what the masks of workspaces mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from sam2s.errors import ConfigError


def analyze(
    folders: Annotated[list[Path], typer.Argument(help="Workspaces, or one folder that holds several.")],
    out: Annotated[Path, typer.Option(help="Folder for the pages, tables and JSON.")],
    unit: Annotated[
        Literal["px", "widths", "mm"], typer.Option(help="Of lengths: pixels, widths of the picture, millimetres.")
    ] = "px",
    shaft: Annotated[str | None, typer.Option(metavar="NAME=MM", help="For mm: width of a shaft.")] = None,
    camera: Annotated[
        bool, typer.Option("--camera/--no-camera", help="Give the motion of tips without the camera's too.")
    ] = True,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Show key frames.")] = True,
    fps: Annotated[float | None, typer.Option(help="Frames a second, where a video does not tell.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Work out presence, use, motion and contacts of every object, and write a report for each case and for all.

    sam2s analyze runs/op-1 runs/op-2 --out report --unit mm --shaft grasper=5
    """
    from sam2s.analysis import AnalysisSettings
    from sam2s.analysis import analyze as write_report
    from sam2s.cli.progress import progress
    from sam2s.workspace import Workspace

    chosen = [folder for given in folders for folder in _workspaces(given, Workspace.exists)]
    settings = AnalysisSettings(unit, _shaft(shaft), camera, pictures, fps)
    with progress("frames") as report:
        cases = write_report(
            chosen, out, settings, report_progress=lambda what, done, total: report(done, total or done, what)
        )
    if as_json:
        print(json.dumps([case.to_json() for case in cases], indent=1))
    else:
        print(f"{len(cases)} cases: {out / 'index.html'}; beside it a page and JSON for each, objects.csv, pairs.csv")


def _workspaces(folder: Path, exists: Callable[[Path], bool]) -> list[Path]:
    if exists(folder):
        return [folder]
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and exists(path)] if folder.is_dir() else []
    if not inside:
        raise ConfigError(f"{folder} is no workspace and holds none; give the --out of `sam2s track`")
    return inside


def _shaft(text: str | None) -> tuple[str, float] | None:
    if text is None:
        return None
    name, _, value = text.rpartition("=")
    try:
        millimetres = float(value)
    except ValueError:
        millimetres = 0.0
    if not name or not 0 < millimetres < 1000:
        raise ConfigError(f"--shaft {text} is not NAME=MM, such as grasper=5")
    return name, millimetres
