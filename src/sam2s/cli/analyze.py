"""`sam2s analyze`: measure presence, motion and contacts from masks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from sam2s.cli import options
from sam2s.errors import ConfigError


def analyze(
    folders: Annotated[list[Path], typer.Argument(help="Workspaces, or one folder that holds several.")],
    out: Annotated[Path, typer.Option(help="Folder for the pages, tables and JSON.")],
    unit: Annotated[
        Literal["px", "widths", "mm"], typer.Option(help="Unit of lengths: pixels, image widths, or millimetres.")
    ] = "px",
    shaft: Annotated[
        str | None, typer.Option(metavar="NAME=MM", help="With --unit mm: an object and the width of its shaft.")
    ] = None,
    camera: Annotated[
        bool, typer.Option("--camera/--no-camera", help="Also give the motion of tips without that of the camera.")
    ] = True,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Show key frames.")] = True,
    fps: Annotated[float | None, typer.Option(help="Frame rate of videos that have none.")] = None,
    as_json: options.Json = False,
) -> None:
    """Measure presence, use, motion and contacts of every object, and write a report per case and for all.

    sam2s analyze runs/op-1 runs/op-2 --out report --unit mm --shaft grasper=5
    """
    from sam2s.analysis import AnalysisSettings
    from sam2s.analysis import analyze as write_report
    from sam2s.cli.progress import stage_progress
    from sam2s.workspace import Workspace

    chosen = [folder for given in folders for folder in _workspaces(given, Workspace.exists)]
    settings = AnalysisSettings(unit, _shaft(shaft), camera, pictures, fps)
    with stage_progress() as report_progress:
        cases = write_report(chosen, out, settings, report_progress=report_progress)
    if as_json:
        print(json.dumps([case.to_json() for case in cases], indent=1))
    else:
        print(f"{len(cases)} cases: {out / 'index.html'}, with a page and JSON for each, objects.csv and pairs.csv")


def _workspaces(folder: Path, exists: Callable[[Path], bool]) -> list[Path]:
    if exists(folder):
        return [folder]
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and exists(path)] if folder.is_dir() else []
    if not inside:
        raise ConfigError(f"{folder} is not a workspace and contains none; give the --out of `sam2s track`")
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
