"""`sam2s sasv`: build, verify and inspect the SA-SV benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam2s.cli.sasv_edit import patch, split
from sam2s.cli.sasv_inspect import show, stats, verify
from sam2s.cli.sasv_options import Json, Root, print_json

if TYPE_CHECKING:
    from sam2s.sasv.check import SourceCheck
    from sam2s.sasv.plan import BuildPlan
    from sam2s.sasv.survey import SourceSurvey

app = typer.Typer(no_args_is_help=True, help="Build the SA-SV benchmark from public datasets, verify and inspect it.")


@app.command()
def sources(
    root: Annotated[Path | None, typer.Option(help="Folder of the downloads.")] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Folder of downloads to check: what is missing, packed or misnamed, and what to do."),
    ] = None,
    layouts: Annotated[bool, typer.Option("--layouts", help="Print the layouts of all sources as Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """List the source datasets: where to get them, their terms, and which are there.

    Exit status: 0, or 1 if --check finds something that cannot be built as it is.
    """
    if layouts:
        from sam2s.sasv.layouts import layouts_page

        print(layouts_page(), end="")
        return
    if check is not None:
        _print_check(check, as_json=as_json)
        return
    from sam2s.sasv.survey import survey

    surveys = survey(root)
    if as_json:
        print_json([_source_record(source) for source in surveys])
        return
    from rich.console import Console

    console = Console(highlight=False)
    for source in surveys:
        info = source.info
        state = "" if root is None else "[yellow]not found[/]"
        if source.problem and not source.videos:
            state = "[red]cannot be used[/]"
        elif source.folder:
            state = f"[green]found[/]: {source.videos:,} videos or images, {source.frames:,} frames"
        console.print(f"[bold]{info.name}[/]  {info.title} · {info.procedure} · {', '.join(info.subsets)}  {state}")
        rows = {"where": str(source.folder or ""), "problem": source.problem, "get": info.url, "access": info.access}
        rows |= {"terms": info.licence, "layout": info.layout, "assumes": "; ".join(info.assumes)}
        for name, text in rows.items():
            if text:
                console.print(f"  {name + ':':9}{text}", markup=False, soft_wrap=True)
    if root is not None:
        usable = sum(bool(s.folder) and bool(s.videos or not s.problem) for s in surveys)
        then = (
            f"Next: sam2s sasv build --root {root} --out DIR" if usable else f"Unpack downloads anywhere below {root}."
        )
        console.print(f"{usable} of {len(surveys)} sources can be built. {then}", markup=False, soft_wrap=True)


@app.command()
def build(
    root: Root,
    out: Annotated[Path, typer.Option(help="Folder of the built set; run again to resume or to add sources.")],
    source: Annotated[list[str] | None, typer.Option(help="Build only this source; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also build videos that SA-SV leaves out.")] = False,
    patch: Annotated[list[Path] | None, typer.Option(help="Corrections to apply; may be repeated.")] = None,
    hard_link: Annotated[bool, typer.Option(help="Hard-link frames instead of copying them.")] = False,
    fresh: Annotated[bool, typer.Option(help="Rebuild existing videos.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Build incomplete sources too, and mark them as partial.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    as_json: Json = False,
) -> None:
    """Convert the downloads to one set of masklets. Resumable: finished videos are kept.

    Exit status: 0 done; 1 a video or a source could not be built; 2 there is nothing to build, or invalid input.
    """
    import os

    from sam2s.errors import DatasetError
    from sam2s.sasv.patch import Patch, read_patches
    from sam2s.sasv.plan import BuildOptions, plan_build

    edits = read_patches(patch) if patch else Patch()
    options = BuildOptions(everything, hard_link, fresh, partial, edits)
    plan = plan_build(root, out, sources=source or (), options=options)
    unusable = {name: why for name, why in plan.without.items() if not why.startswith("not found")}
    if not plan.builds and not as_json:
        problems = "".join(f"\n  {name}: {reason}" for name, reason in unusable.items())
        raise DatasetError(
            f"nothing to build below {root}; sam2s sasv sources --root {root} says what is missing{problems}"
        )
    outcomes = _build_with_progress(plan, out, workers or os.cpu_count() or 1, quiet=as_json)
    if as_json:
        kept = {"built": len(outcomes["built"]), "kept": len(outcomes["kept"])}
        report = kept | {"failed": outcomes["failed"], "stale": outcomes["stale"], "without": plan.without}
        print_json(
            report | {"incomplete": {n: [str(s) for s in found] for n, found in plan.shortfalls.items() if found}}
        )
    else:
        if absent := [name for name in plan.without if name not in unusable]:
            print(f"not found: {', '.join(absent)} (sam2s sasv sources says where to get them)")
        for name, reason in {**unusable, **outcomes["failed"]}.items():
            print(f"FAILED {name}: {reason}")
        for name, reason in outcomes["stale"].items():
            print(f"left out of the set: {name}, built before: {reason}")
        for name, shortfalls in plan.shortfalls.items():
            for shortfall in shortfalls:
                print(f"incomplete {name}: {shortfall}; the set is marked as partial")
        print(", ".join(f"{len(outcomes[state])} {state}" for state in ("built", "kept", "failed")) + f", in {out}")
    if outcomes["failed"] or unusable or not plan.builds:
        raise typer.Exit(1)


@app.command()
def fixture(
    source: Annotated[str, typer.Argument(help="Name of a source, or all.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of downloads to generate it in.")],
) -> None:
    """Generate a tiny copy of a source in its official layout, to try the other commands on."""
    from sam2s.sasv.fixtures import draw_fixture
    from sam2s.sasv.registry import all_adapters

    for name in all_adapters() if source == "all" else [source]:
        for path in draw_fixture(name, folder):
            print(path)


for verb in (verify, stats, show, split, patch):
    app.command()(verb)


def _build_with_progress(plan: BuildPlan, out: Path, workers: int, *, quiet: bool) -> dict[str, dict[str, str]]:
    """Build under a progress bar; messages by video, by state ("built", "kept", "failed", "stale")."""
    from sam2s.cli.progress import progress
    from sam2s.sasv.build import run_build

    outcomes: dict[str, dict[str, str]] = {"built": {}, "kept": {}, "failed": {}, "stale": {}}
    with progress("videos", quiet=quiet) as report:
        for outcome in run_build(plan, out, workers=workers):
            outcomes[outcome.state][outcome.id] = outcome.message
            report(sum(len(done) for state, done in outcomes.items() if state != "stale"), len(plan.builds))
    return outcomes


def _print_check(root: Path, *, as_json: bool) -> None:
    """Print what was found below a folder, source by source; exit status 1 if something has to be done."""
    from sam2s.sasv.check import check_downloads

    checks = check_downloads(root)
    if as_json:
        print_json([_source_record(check) | {"state": check.state} for check in checks])
    else:
        absent = [check.info.name for check in checks if check.state == "not there"]
        for check in checks:
            if check.state == "not there":
                continue
            where = f" in {check.folder}: {check.videos:,} videos or images, {check.frames:,} frames"
            print(f"{check.info.name}: {check.state}{where if check.folder else ''}")
            for word, lines in (("missing", check.missing), ("wrong", check.problems), ("do", check.advice)):
                for line in lines:
                    print(f"  {word + ':':9}{line}")
        if absent:
            print(f"not there: {', '.join(absent)} (sam2s sasv sources says where to get them)")
    if any(check.state not in ("complete", "found", "not there") for check in checks):
        raise typer.Exit(1)


def _source_record(source: SourceSurvey | SourceCheck) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(source), "folder": None if source.folder is None else str(source.folder)}
