"""From workspaces to a folder of figures and pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sam2s.errors import ConfigError
from sam2s.files import write_atomically
from sam2s.progress import ProgressCallback, ignore_progress
from sam2s.runs import open_workspace_video
from sam2s.video import VideoSource
from sam2s.workspace import Workspace

from .camera import camera_motion
from .key_frames import draw_frames
from .metrics import CaseMetrics, measure_case, pixel_scale
from .report import KeyFrame, case_page, cases_page
from .series import CaseSeries, read_case
from .tables import object_rows, pair_rows, to_csv


@dataclass(frozen=True)
class AnalysisSettings:
    """How cases are analysed.

    Attributes:
        unit: of lengths: "px", "widths" of the picture, or "mm".
        shaft_mm: for "mm": name of an object and the width of its shaft in millimetres.
        camera: estimate the camera's motion from the video, and give the motion of the tips without it too.
        pictures: show key frames.
        fps: frames a second, where a video does not tell.
    """

    unit: str = "px"
    shaft_mm: tuple[str, float] | None = None
    camera: bool = True
    pictures: bool = True
    fps: float | None = None


def analyze(
    folders: Sequence[Path],
    out: Path,
    settings: AnalysisSettings | None = None,
    *,
    report_progress: ProgressCallback = ignore_progress,
) -> list[CaseMetrics]:
    """Analyse cases, and write for each NAME.html and NAME.json, and objects.csv, pairs.csv and index.html for all.

    Args:
        folders: workspaces.
        out: folder to write to.
        settings: how; None for the defaults.
        report_progress: told the case, frames done and frames in all.

    Raises:
        ConfigError: a setting does not fit a case.
        WorkspaceError: a workspace cannot be read.
        SourceError: a video is not where it was; `camera` and `pictures` need it.
        MissingExtraError: OpenCV, matplotlib or Jinja2 is not installed.
        OutputError: the folder cannot be written.
    """
    settings = settings or AnalysisSettings()
    cases: list[CaseMetrics] = []
    pages: list[str] = []
    for folder in folders:
        name = _free_name(folder.resolve().name, pages)
        metrics, page = _analyze_case(folder, name, settings, report_progress)
        write_atomically(out / f"{name}.html", page.encode())
        write_atomically(out / f"{name}.json", (json.dumps(metrics.to_json(), indent=1) + "\n").encode())
        cases.append(metrics)
        pages.append(name)
    objects, pairs = ([row for case in cases for row in rows(case)] for rows in (object_rows, pair_rows))
    write_atomically(out / "objects.csv", to_csv(objects).encode())
    write_atomically(out / "pairs.csv", to_csv(pairs).encode())
    write_atomically(out / "index.html", cases_page(cases, [f"{page}.html" for page in pages]).encode())
    return cases


def _analyze_case(
    folder: Path, case_name: str, settings: AnalysisSettings, report_progress: ProgressCallback
) -> tuple[CaseMetrics, str]:
    with Workspace.open(folder) as workspace:
        name = workspace.video.name
        case = read_case(
            workspace, fps=settings.fps, report_progress=lambda done, total: report_progress(name, done, total)
        )
        unit, scale = _scale(case, settings)
        if not (settings.camera or settings.pictures):
            metrics = replace(measure_case(case, unit=unit, scale=scale), name=case_name)
            return metrics, case_page(case, metrics)
        with closing(open_workspace_video(workspace)) as source:
            motions = None
            if settings.camera:
                watched = _watch(
                    workspace, source, case, lambda done, all_: report_progress(f"{name}: camera", done, all_)
                )
                motions = np.stack(list(camera_motion(watched)))
            metrics = replace(measure_case(case, motions=motions, unit=unit, scale=scale), name=case_name)
            frames: list[KeyFrame] = list(draw_frames(workspace, source, case)) if settings.pictures else []
        return metrics, case_page(case, metrics, frames)


def _watch(
    workspace: Workspace, source: VideoSource, case: CaseSeries, report: Callable[[int, int | None], None]
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Pictures of the analysed frames, with the mask of everything that moves for itself."""
    records = workspace.frames()
    wanted = set(case.frames.tolist())
    done = 0
    for frame in source.frames(int(case.frames[0]), int(case.frames[-1]) + 1):
        if frame.index not in wanted:
            continue
        mask: np.ndarray | None = None
        for one in next(records).objects.values():
            mask = one.mask if mask is None else mask | one.mask
        done += 1
        report(done, len(case.frames))
        yield frame.image, mask


def _scale(case: CaseSeries, settings: AnalysisSettings) -> tuple[str, float]:
    if settings.unit == "px":
        return "px", 1.0
    if settings.unit == "widths":
        return "widths", 1.0 / case.size[1]
    if settings.unit != "mm":
        raise ConfigError(f"unit {settings.unit!r} is not one of px, widths, mm")
    if settings.shaft_mm is None:
        raise ConfigError("millimetres need a known length; give --shaft NAME=MM, the width of an instrument's shaft")
    name, millimetres = settings.shaft_mm
    named = [series for series in case.objects.values() if series.name == name]
    if not named:
        names = ", ".join(sorted({series.name for series in case.objects.values()}))
        raise ConfigError(f"{case.name} has no object called {name!r}; there are {names}")
    scale = pixel_scale(case, named[0].object_id, millimetres)
    if not np.isfinite(scale):
        raise ConfigError(f"the shaft of {name!r} is never seen in {case.name}; give another instrument, or --unit px")
    return "mm", scale


def _free_name(name: str, taken: Iterable[str]) -> str:
    used = {*taken, "index"}
    free, count = name, 2
    while free in used:
        free, count = f"{name}-{count}", count + 1
    return free
