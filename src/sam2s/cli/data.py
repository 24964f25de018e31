"""`sam2s data`: look for faults in training data, and look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sam2s.cli import options
from sam2s.errors import DatasetError

app = typer.Typer(no_args_is_help=True, help="Check and show training data.")

_Split = Annotated[str | None, typer.Option(help="Part of the set; by default all.")]
Place = Annotated[
    str, typer.Argument(metavar="PATH", help="A built set, a DAVIS, YouTube-VOS or SA-V folder, or frames and masks.")
]


@app.command()
def check(
    path: Place,
    split: _Split = None,
    split_file: options.SplitFile = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
    most: Annotated[int, typer.Option("--most", min=1, help="Lines to print.")] = 50,
    as_json: options.QuietJson = False,
) -> None:
    """Read every file and report damage, wrong sizes, empty masks, gaps in ids and frames, jumps, leaks between splits.

    Exit status: 0 usable, perhaps with warnings; 1 not usable as it is; 2 invalid input.
    """
    from sam2s.cli.progress import progress
    from sam2s.training.data.check import check as check_data

    with progress("videos", quiet=as_json) as report_progress:
        report = check_data(
            Path(path), split=split, split_file=split_file, workers=workers, report_progress=report_progress
        )
    findings = sorted(report.findings, key=lambda item: not item[1].fatal)
    counts = {name: sum(getattr(video, name) for video in report.videos) for name in ("frames", "masks")}
    errors = sum(finding.fatal for _, finding in findings)
    if as_json:
        lines = [
            {"video": video, "frame": f.frame, "kind": f.kind, "fatal": f.fatal, "text": f.text}
            for video, f in findings
        ]
        print(json.dumps({"ok": report.ok, "videos": len(report.videos), **counts, "findings": lines}, indent=1))
    else:
        for video, f in findings[:most]:
            frame = "" if f.frame is None else f" frame {f.frame}"
            print(f"{'ERROR' if f.fatal else 'look '} {f.kind:5} {video}{frame}{': ' if video else ''}{f.text}")
        if len(findings) > most:
            print(f"... and {len(findings) - most} more; --most {len(findings)} prints all")
        videos = len(report.videos)
        print(
            f"{videos:,} video{'s' * (videos != 1)}, {counts['frames']:,} annotated frames, {counts['masks']:,} masks: "
            f"{errors} error{'s' * (errors != 1)}, {len(findings) - errors} to look at"
        )
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def show(
    path: Annotated[str, typer.Argument(help="As for sam2s data check, or synthetic.")],
    out: Annotated[Path, typer.Option(help="Image to write (.png, .jpg).")],
    rows: Annotated[int, typer.Option(min=1, help="Number of videos, evenly spaced, or of clips.")] = 8,
    frames: Annotated[int, typer.Option(min=1, help="Frames per row.")] = 8,
    split: _Split = None,
    clips: Annotated[
        bool, typer.Option("--clips", help="Show clips as training sees them: sampled and augmented.")
    ] = False,
    size: Annotated[int, typer.Option(min=16, help="Image size of the clips in pixels.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the clips.")] = 0,
) -> None:
    """Draw a contact sheet with a row per video, or per training clip, and its masks."""
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
