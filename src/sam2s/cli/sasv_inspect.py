"""`sam2s sasv verify`, `stats` and `show`: check, count and draw a built set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sam2s.cli.sasv_options import Built, Json, print_json


def verify(
    built: Built,
    hashes: Annotated[bool, typer.Option(help="Read every file and compare its hash.")] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if a subset is partial.")] = False,
    as_json: Json = False,
) -> None:
    """Compare files with their hashes, counts with Table 1 of the paper, and patients across splits.

    Exit status: 0, or 1 if a file is damaged, a patient is in train and test, or with --strict a subset is partial.
    Other counts may differ; the reason is printed.
    """
    from sam2s.sasv.verify import verify as check

    findings = check(built, hashes=hashes)
    if as_json:
        print_json(findings.as_json())
    else:
        from rich.console import Console
        from rich.table import Table

        console = Console(highlight=False)
        notes: dict[str, int] = {}
        table = Table("subset", "", "Table 1", "built", "note")
        for line in findings.lines:
            note = str(notes.setdefault(line.reason, len(notes) + 1)) if line.reason else "equal"
            table.add_row(line.subset, line.column, f"{line.paper:,}", f"{line.built:,}", note)
        if findings.lines:
            console.print(table)
        for reason, number in notes.items():
            console.print(f"{number:>3}  {reason}", soft_wrap=True)
        for subset, (links, doubtful) in findings.doubtful.items():
            if doubtful:
                console.print(f"{subset}: {doubtful} of {links} inferred links are uncertain (video.json, `review`)")
        if findings.missing:
            console.print("not built: " + ", ".join(findings.missing))
        for subset, text in findings.incomplete.items():
            console.print(f"[yellow]incomplete[/] {subset}: {text}; its scores are not those of the benchmark")
        for name, reason in findings.stale.items():
            console.print(f"[yellow]left out[/]: {name}, built before: {reason}", soft_wrap=True)
        for text in findings.damage:
            console.print(f"[red]damaged[/] {text}")
        for patient, parts in findings.shared.items():
            names = "; ".join(f"{part}: {', '.join(videos)}" for part, videos in parts.items())
            console.print(f"[red]patient in train and test[/] {patient}: {names}")
        hashed = "all hashes hold, " if hashes else ""
        console.print(f"{hashed}no patient is in train and test" if findings.ok else "[red]not fit for use as it is[/]")
    if not findings.ok or (strict and findings.incomplete):
        raise typer.Exit(1)


def stats(
    built: Built,
    by_video: Annotated[bool, typer.Option("--by-video", help="A row per video, with its inferred links.")] = False,
    plots: Annotated[Path | None, typer.Option(help="Folder for scale.png and categories.png.")] = None,
    as_json: Json = False,
) -> None:
    """Count frames, masklets and categories per subset; with --plots draw the scale plot and the category wheel."""
    from sam2s.sasv.counts import tally, tally_videos
    from sam2s.sasv.masklets import MaskletDataset, missing_by_subset

    dataset = MaskletDataset(built)
    videos = list(dataset)
    counts = tally(videos)
    tallies = tally_videos(videos) if by_video else counts
    missing = {v.id: v.incomplete for v in videos if v.incomplete} if by_video else missing_by_subset(dataset.manifest)
    rows = [_stats_row(name, count, missing) for name, count in tallies.items()]
    if plots:
        from sam2s.sasv.plots import category_wheel, scale_plot

        scale_plot(counts, plots / "scale.png")
        category_wheel(counts, plots / "categories.png")
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    columns = [name for name in rows[0] if name not in ("categories", "incomplete")] if rows else []
    if by_video:
        columns = ["subset", "frames", "masklets", "links", "doubtful"]
    short = {
        "subset": "video" if by_video else "subset",
        "instruments": "instr.",
        "tissues": "tissue",
        "doubtful": "doubt",
    }
    table = Table(box=None, pad_edge=False, padding=(0, 0, 0, 1))
    for column in columns:
        side: Any = "left" if column == "subset" else "right"
        table.add_column(short.get(column, column), no_wrap=True, justify=side)
    for row in rows:
        cells = [f"{row[c]:,}" if isinstance(row[c], (int, float)) else str(row[c]) for c in columns]
        table.add_row(cells[0] + ("*" if row["incomplete"] else ""), *cells[1:])
    console = Console(highlight=False)
    console.print(table)
    for name, text in missing.items():
        console.print(f"* {name} is incomplete: {text}", soft_wrap=True)
    totals: dict[str, int] = {}
    for count in counts.values():
        for category, number in count.categories.items():
            totals[category] = totals.get(category, 0) + number
    console.print(", ".join(f"{name} {number:,}" for name, number in sorted(totals.items(), key=lambda x: -x[1])))


def show(
    built: Built,
    video: Annotated[str, typer.Argument(help="Name of a video, such as cvc-clinicdb/04.")],
    out: Annotated[Path, typer.Option(help="Contact sheet (.png, .jpg) or clip (.mp4, .mkv, .webm) to write.")],
    frames: Annotated[int, typer.Option(min=1, help="Frames on a sheet, evenly spaced.")] = 12,
) -> None:
    """Draw the objects of a video over its frames, as a contact sheet or a clip."""
    from sam2s.sasv.masklets import read_video, video_folder
    from sam2s.sasv.show import show as draw

    draw(read_video(video_folder(built, video)), out, frames=frames)
    print(out)


def _stats_row(name: str | None, count: Any, missing: Mapping[str, str]) -> dict[str, Any]:
    return {
        "subset": (name or "(not in SA-SV)"),
        "incomplete": missing.get(name or "", ""),
        "videos": count.videos,
        "frames": count.frames,
        "instruments": count.instruments,
        "tissues": count.tissues,
        "masklets": count.masklets,
        "s/video": round(float(count.seconds) / count.videos, 1) if count.videos else 0,
        "size %": round(100 * count.pixels / count.masks, 2) if count.masks else 0,
        "links": sum(count.link_stats.get(how, 0) for how in ("given", "clear", "doubtful")),
        "doubtful": count.link_stats.get("doubtful", 0),
        "categories": count.categories,
    }
