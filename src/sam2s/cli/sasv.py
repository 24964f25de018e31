"""`sam2s sasv`: build the SA-SV benchmark from the public datasets, check it, look at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True, help="Build the SA-SV benchmark from the public datasets, check it, look at it."
)

Root = Annotated[Path, typer.Option(help="Folder that holds the unpacked downloads, in any arrangement.")]
Built = Annotated[Path, typer.Argument(help="The built set.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def sources(
    root: Annotated[Path | None, typer.Option(help="Folder to look for downloads in.")] = None, as_json: Json = False
) -> None:
    """What is needed, where to get it, under which terms, and what is there already."""
    from sam2s.sasv.survey import survey

    found = survey(root)
    if as_json:
        _print_json([_source_record(one) for one in found])
        return
    from rich.console import Console

    console = Console(highlight=False)
    for one in found:
        facts = one.facts
        state = "" if root is None else "[yellow]not found[/]"
        if one.problem and not one.videos:
            state = "[red]cannot be used[/]"
        elif one.folder:
            state = f"[green]found[/]: {one.videos:,} videos or images, {one.frames:,} frames"
        console.print(f"[bold]{facts.name}[/]  {facts.title} · {facts.procedure} · {', '.join(facts.subsets)}  {state}")
        rows = {"where": str(one.folder or ""), "problem": one.problem, "get": facts.url, "access": facts.access}
        rows |= {"terms": facts.licence, "layout": facts.layout, "assumes": "; ".join(facts.assumes)}
        for name, text in rows.items():
            if text:
                console.print(f"  {name + ':':9}{text}", markup=False, soft_wrap=True)
    if root is not None:
        there = sum(bool(one.folder) and bool(one.videos or not one.problem) for one in found)
        then = (
            f"Next: sam2s sasv build --root {root} --out DIR" if there else f"Unpack downloads anywhere below {root}."
        )
        console.print(f"{there} of {len(found)} sources can be built. {then}", markup=False, soft_wrap=True)


@app.command()
def build(
    root: Root,
    out: Annotated[Path, typer.Option(help="Where the built set goes; run again to go on or to add sources.")],
    source: Annotated[list[str] | None, typer.Option(help="Only this source; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also videos that SA-SV leaves out.")] = False,
    patch: Annotated[list[Path] | None, typer.Option(help="Corrections to apply; may be repeated.")] = None,
    hard_link: Annotated[bool, typer.Option(help="Link frames instead of copying them, where the disk can.")] = False,
    fresh: Annotated[bool, typer.Option(help="Build again what is there already.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    as_json: Json = False,
) -> None:
    """Turn the downloads into one set of masklets. Resumable: finished videos are kept.

    Exit status 1 when a video, or a source that is there, could not be built, or there is nothing to build.
    """
    import os
    from collections import Counter

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from sam2s.errors import DatasetError
    from sam2s.sasv.build import plan, run
    from sam2s.sasv.patch import read_patches

    planned = plan(
        root,
        out,
        sources=source or (),
        everything=everything,
        hard_link=hard_link,
        fresh=fresh,
        patch=read_patches(patch) if patch else None,
    )
    unusable = {name: why for name, why in planned.without.items() if not why.startswith("not found")}
    if not planned.jobs and not as_json:
        problems = "".join(f"\n  {name}: {reason}" for name, reason in unusable.items())
        raise DatasetError(
            f"nothing to build below {root}; sam2s sasv sources --root {root} says what is missing{problems}"
        )
    states: Counter[str] = Counter()
    failed: dict[str, str] = {}
    stale: dict[str, str] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=as_json) as progress:
        task = progress.add_task("videos", total=len(planned.jobs))
        for outcome in run(planned, out, workers=workers or os.cpu_count() or 1):
            states[outcome.state] += 1
            if outcome.state == "stale":
                stale[outcome.id] = outcome.message
                continue
            if outcome.state == "failed":
                failed[outcome.id] = outcome.message
            progress.advance(task)
    if as_json:
        report: dict[str, Any] = {"built": states["built"], "kept": states["kept"], "failed": failed, "stale": stale}
        _print_json(report | {"without": planned.without})
    else:
        if missing := [name for name in planned.without if name not in unusable]:
            print(f"not found: {', '.join(missing)} (sam2s sasv sources says where to get them)")
        for name, reason in {**unusable, **failed}.items():
            print(f"FAILED {name}: {reason}")
        for name, reason in stale.items():
            print(f"left out of the set: {name}, built before: {reason}")
        print(f"{states['built']} built, {states['kept']} kept, {states['failed']} failed, in {out}")
    if failed or unusable or not planned.jobs:
        raise typer.Exit(1)


@app.command()
def verify(
    built: Built,
    hashes: Annotated[bool, typer.Option(help="Read every file and compare its hash.")] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when only a part of a test subset is built.")] = False,
    as_json: Json = False,
) -> None:
    """Check files against hashes, counts against Table 1 of the paper, and patients against splits.

    Exit status 1 when a file is damaged or a patient is in train and test, with --strict also when a test subset is
    there in part; other counts may differ, with the reason given.
    """
    from sam2s.sasv.verify import verify as check

    findings = check(built, hashes=hashes)
    if as_json:
        _print_json(findings.as_json())
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
                console.print(f"{subset}: {doubtful} of {links} guessed links are doubtful (video.json, `review`)")
        if findings.missing:
            console.print("not built: " + ", ".join(findings.missing))
        for subset, text in findings.partial.items():
            console.print(f"[yellow]partial[/] {subset}: {text}; its scores are not those of the benchmark")
        for name, reason in findings.stale.items():
            console.print(f"[yellow]left out[/]: {name}, built before: {reason}", soft_wrap=True)
        for text in findings.damage:
            console.print(f"[red]damaged[/] {text}")
        for patient, parts in findings.shared.items():
            names = "; ".join(f"{part}: {', '.join(videos)}" for part, videos in parts.items())
            console.print(f"[red]patient in train and test[/] {patient}: {names}")
        hashed = "all hashes hold, " if hashes else ""
        console.print(f"{hashed}no patient is in train and test" if findings.ok else "[red]not fit for use as it is[/]")
    if not findings.ok or (strict and findings.partial):
        raise typer.Exit(1)


@app.command()
def stats(
    built: Built,
    by_video: Annotated[bool, typer.Option("--by-video", help="A line a video, with its guessed links.")] = False,
    plots: Annotated[Path | None, typer.Option(help="Folder for scale.png and categories.png.")] = None,
    as_json: Json = False,
) -> None:
    """Counts by subset and category; with --plots the scale plot and the category wheel."""
    from sam2s.sasv.counts import tally, tally_videos
    from sam2s.sasv.masklets import MaskletDataset

    videos = list(MaskletDataset(built))
    counts = tally(videos)
    shown = tally_videos(videos) if by_video else counts
    rows = [_stats_row(name or "(not in SA-SV)", count) for name, count in shown.items()]
    if plots:
        from sam2s.sasv.plots import category_wheel, scale_plot

        scale_plot(counts, plots / "scale.png")
        category_wheel(counts, plots / "categories.png")
    if as_json:
        _print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    columns = [name for name in rows[0] if name != "categories"] if rows else []
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
        table.add_row(*(f"{row[c]:,}" if isinstance(row[c], (int, float)) else str(row[c]) for c in columns))
    console = Console(highlight=False)
    console.print(table)
    totals: dict[str, int] = {}
    for count in counts.values():
        for category, number in count.categories.items():
            totals[category] = totals.get(category, 0) + number
    console.print(", ".join(f"{name} {number:,}" for name, number in sorted(totals.items(), key=lambda x: -x[1])))


@app.command()
def show(
    built: Built,
    video: Annotated[str, typer.Argument(help="Video, such as cvc-clinicdb/04.")],
    out: Annotated[Path, typer.Option(help="A sheet (.png, .jpg) or a clip (.mp4, .mkv, .webm).")],
    frames: Annotated[int, typer.Option(min=1, help="Frames on a sheet, evenly spaced.")] = 12,
) -> None:
    """Draw the objects of a video over its frames, as a contact sheet or a clip."""
    from sam2s.sasv.masklets import read_video, video_folder
    from sam2s.sasv.show import show as draw

    draw(read_video(video_folder(built, video)), out, frames=frames)
    print(out)


@app.command()
def split(
    built: Built,
    out: Annotated[Path, typer.Option(help="Folder for the split file NAME-vVERSION.json.")],
    name: Annotated[str, typer.Option(help="Name of the split.")] = "sasv",
    version: Annotated[int, typer.Option(min=1, help="Its version; a version never changes.")] = 1,
    val: Annotated[float, typer.Option(help="Share of each subset's training patients to validate on.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Chooses the validation patients.")] = 0,
    as_json: Json = False,
) -> None:
    """Write which videos train, validate and test, with a version and a hash; patients are never cut."""
    from collections import Counter

    from sam2s.sasv.masklets import read_manifest
    from sam2s.sasv.splits import make_split, write_split

    parts = make_split(read_manifest(built)["videos"], val=val, seed=seed)
    path = out / f"{name}-v{version}.json"
    digest = write_split(path, name, version, parts)
    sizes = dict(Counter(parts.values()))
    if as_json:
        _print_json({"path": str(path), "sha256": digest, "videos": sizes})
    else:
        print(f"{path}: {', '.join(f'{number} {part}' for part, number in sizes.items())}, sha256 {digest}")


@app.command()
def patch(
    built: Built,
    files: Annotated[list[Path] | None, typer.Argument(help="Patch files to apply, in this order.")] = None,
    export: Annotated[Path | None, typer.Option(help="Write all corrections of the set into this file.")] = None,
    review: Annotated[bool, typer.Option(help="List the doubtful links that nobody has corrected.")] = False,
    as_json: Json = False,
) -> None:
    """Apply shared corrections to a built set, or export them; patch files hold no images."""
    from sam2s.errors import DatasetError
    from sam2s.files import write_atomically
    from sam2s.sasv.build import patch_video, write_manifest
    from sam2s.sasv.draft import pretty
    from sam2s.sasv.masklets import MaskletDataset
    from sam2s.sasv.patch import Patch, VideoPatch, read_patches, write_patch

    data = MaskletDataset(built)
    applied: dict[str, int] = {}
    if files:
        wanted = read_patches(files).videos
        if strangers := sorted(set(wanted) - set(data.ids)):
            raise DatasetError(
                f"the patch names videos that are not in {built}: {', '.join(strangers[:5])}; build them"
            )
        try:
            for name, edits in wanted.items():
                applied[name] = patch_video(data[name], edits)
        finally:
            write_manifest(built)
    if export:
        edited = {v.id: VideoPatch(list(v.edits), v.base) for v in data if v.edits}
        write_atomically(export, pretty(write_patch(Patch(edited))).encode())
    doubts = [{"video": v.id, **item} for v in data for item in v.review] if review else []
    if as_json:
        _print_json({"applied": applied, "review": doubts})
        return
    for name, number in applied.items():
        print(f"{name}: {number} new edits")
    for doubt in doubts:
        reasons = ", ".join(doubt["reasons"])
        print(f"{doubt['video']} frame {doubt['frame']} object {doubt['id']}: {reasons} (score {doubt['score']})")


def _source_record(one: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(one), "folder": None if one.folder is None else str(one.folder)}


def _stats_row(name: str, count: Any) -> dict[str, Any]:
    return {
        "subset": name,
        "videos": count.videos,
        "frames": count.frames,
        "instruments": count.instruments,
        "tissues": count.tissues,
        "masklets": count.masklets,
        "s/video": round(float(count.seconds) / count.videos, 1) if count.videos else 0,
        "size %": round(100 * count.pixels / count.masks, 2) if count.masks else 0,
        "links": sum(count.guess.get(how, 0) for how in ("given", "clear", "doubtful")),
        "doubtful": count.guess.get("doubtful", 0),
        "categories": count.categories,
    }


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=1))
