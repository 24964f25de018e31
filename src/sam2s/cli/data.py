"""`sam2s data`: look for faults in training data, and look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sam2s.errors import DatasetError

app = typer.Typer(no_args_is_help=True, help="Look for faults in training data, and look at the data.")

Place = Annotated[
    str, typer.Argument(metavar="PATH", help="A built set, a DAVIS, YouTube-VOS or SA-V folder, or frames and masks.")
]


@app.command()
def check(
    path: Place,
    split: Annotated[str | None, typer.Option(help="Part of the set; by default all.")] = None,
    split_file: Annotated[
        Path | None, typer.Option(help="Division of a built set that `sam2s sasv split` wrote.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    most: Annotated[int, typer.Option("--most", min=1, help="Lines to print.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every line.")] = False,
) -> None:
    """Read every file: damage, sizes, empty masks, gaps in ids and frames, leaps of masks, leaks between splits.

    Exit status 1 when the data cannot be used as they are; things that a person should look at do not count.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from sam2s.training.data.check import check as look

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json) as bar:
        task = bar.add_task("videos", total=None)
        report = look(
            Path(path),
            split=split,
            split_file=split_file,
            workers=workers,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    found = sorted(report.findings, key=lambda item: not item[1].fatal)
    counts = {name: sum(getattr(video, name) for video in report.videos) for name in ("frames", "masks")}
    errors = sum(one.fatal for _, one in found)
    if as_json:
        lines = [
            {"video": video, "frame": one.frame, "kind": one.kind, "fatal": one.fatal, "text": one.text}
            for video, one in found
        ]
        print(json.dumps({"ok": report.ok, "videos": len(report.videos), **counts, "findings": lines}, indent=1))
    else:
        for video, one in found[:most]:
            frame = "" if one.frame is None else f" frame {one.frame}"
            print(f"{'ERROR' if one.fatal else 'look '} {one.kind:5} {video}{frame}{': ' if video else ''}{one.text}")
        if len(found) > most:
            print(f"... and {len(found) - most} more; --most {len(found)} prints all")
        videos = len(report.videos)
        print(
            f"{videos:,} video{'s' * (videos != 1)}, {counts['frames']:,} annotated frames, {counts['masks']:,} masks: "
            f"{errors} error{'s' * (errors != 1)}, {len(found) - errors} to look at"
        )
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def show(
    path: Annotated[str, typer.Argument(help="As for sam2s data check, or synthetic.")],
    out: Annotated[Path, typer.Option(help="Picture to write (.png, .jpg).")],
    rows: Annotated[int, typer.Option(min=1, help="Videos, evenly spaced, or clips.")] = 8,
    frames: Annotated[int, typer.Option(min=1, help="Frames of each.")] = 8,
    split: Annotated[str | None, typer.Option(help="Part of the set; by default all.")] = None,
    clips: Annotated[
        bool, typer.Option("--clips", help="Show clips as training gets them: sampled, turned, recoloured.")
    ] = False,
    size: Annotated[int, typer.Option(min=16, help="Side of clips in pixels.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the clips.")] = 0,
) -> None:
    """Draw a contact sheet: a row a video with its masks, or a row a training clip."""
    from sam2s.sasv.ontology import load_ontology
    from sam2s.training.data import ClipSettings, ClipStream, SourceSettings, find_entries, open_source
    from sam2s.training.data.opening import SYNTHETIC
    from sam2s.training.data.sheet import clip_cells, video_cells, write_sheet

    if clips or path == SYNTHETIC:
        source = open_source(SourceSettings(place=path, split=split), size=size)
        names = load_ontology().instruments()
        settings = ClipSettings(size=size, frames=frames, picture_share=0.0, divemem=0.5 if frames > 4 else 0.0)
        cells = clip_cells(ClipStream([source], settings, names, seed=seed), names, clips=rows)
        columns = len(cells[0]) // rows
    else:
        entries = find_entries(Path(path), split=split)
        columns = min(frames, max(entry.frames for entry in entries))
        cells = video_cells(entries, videos=rows, frames=columns)
        if not cells[0]:
            raise DatasetError(f"{path}: no annotated frame to show; look at it with sam2s data check {path}")
    write_sheet(cells, out, columns=columns if columns > 1 else None)
    print(out)
