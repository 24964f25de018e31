"""`sam2s archive`: track many videos, in processes of one machine or on a Ray cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sam2s.cli import options

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from sam2s.archive import ArchiveEngine, ArchiveProgress, ArchiveReport, WorkerSettings

app = typer.Typer(help="Track an archive of videos, on one machine or many.", no_args_is_help=True)

Out = Annotated[Path, typer.Argument(help="Folder given to `sam2s archive run --out`.")]


@app.command("run")
def run_(
    jobs: Annotated[Path, typer.Argument(help="Jobs file: .csv, .jsonl or .yaml; see docs/reference/jobs.md.")],
    out: Annotated[Path, typer.Option(help="Folder for the manifest and one workspace per video.")],
    weights: Annotated[str, typer.Option(help="Name or path, for jobs that do not set weights.")] = "micro",
    export: Annotated[str, typer.Option(help="Comma-separated kinds of export for each video.")] = "",
    engine: Annotated[Literal["local", "ray"], typer.Option(help="Processes of this machine, or Ray.")] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of videos at once; by default one per device.")
    ] = None,
    device: options.Device = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads per worker.")] = None,
    memory: Annotated[float | None, typer.Option(min=0.5, help="Memory limit per worker in GB.")] = None,
    address: Annotated[str | None, typer.Option(help="Ray: address of a running cluster, or auto.")] = None,
    gpus: Annotated[float, typer.Option(min=0, help="Ray: GPUs per worker; may be a fraction.")] = 0.0,
    cpus: Annotated[float, typer.Option(min=0, help="Ray: CPU cores per worker.")] = 1.0,
    spill: Annotated[Path | None, typer.Option(help="Ray: folder for objects that do not fit into memory.")] = None,
    stall_seconds: Annotated[
        float, typer.Option(min=1, help="Terminate a video that yields no frame for this long.")
    ] = 300.0,
    as_json: options.Json = False,
) -> None:
    """Track all videos of a jobs file; run again to resume, or to track jobs that were changed.

    Exit status: 0 all done; 1 a video failed; 2 invalid input; 130 or 143 stopped by Ctrl-C or a signal.
    """
    from sam2s.archive import ArchiveReport, Manifest, WorkerSettings, read_jobs
    from sam2s.archive.supervisor import supervise

    settings = WorkerSettings(
        weights=_absolute(weights),
        exports=tuple(kind.strip() for kind in export.split(",") if kind.strip()),
        device=device,
        threads=threads,
        memory=None if memory is None else int(memory * 1e9),
    )
    read_jobs(jobs)  # raises their errors before anything is started
    flags = _RunFlags(
        jobs, out.absolute(), settings, engine, workers, address, cpus, gpus, spill, stall_seconds, as_json
    )
    if engine == "local":
        stopped_by = drive(lambda: None, flags)
    else:
        stopped_by = supervise(drive, (flags,), note=lambda text: print(text, file=sys.stderr))
    with Manifest.read(out) as manifest:
        report = ArchiveReport.of(manifest.statuses())
    _print(report, as_json)
    raise typer.Exit(report.exit_status if stopped_by is None else 128 + stopped_by)


@dataclass(frozen=True)
class _RunFlags:
    """Flags of `sam2s archive run` for the process that drives it."""

    jobs: Path
    out: Path
    settings: WorkerSettings
    engine: str
    workers: int | None
    address: str | None
    cpus: float
    gpus: float
    spill: Path | None
    stall_seconds: float
    as_json: bool


def drive(report_alive: Callable[[], None], flags: _RunFlags) -> int | None:
    """Track an archive; returns the signal that ended it early, or None. With Ray it runs in a separate process."""
    from sam2s.archive import Manifest, read_jobs, run_archive
    from sam2s.signals import signals

    with Manifest.create(flags.out, read_jobs(flags.jobs)) as manifest, signals() as caught:
        engine = _local_engine(flags) if flags.engine == "local" else _ray_engine(flags)
        with _Display(quiet=flags.as_json) as display:

            def report_progress(progress: ArchiveProgress) -> None:
                report_alive()
                display.show(progress)

            run_archive(
                manifest,
                engine,
                flags.out,
                stall_seconds=flags.stall_seconds,
                report_progress=report_progress,
                stopped=lambda: bool(caught),
            )
    return caught[0] if caught else None


def _absolute(weights: str) -> str:
    """Make a path absolute, since workers may run in another folder; names stay as they are."""
    return str(Path(weights).absolute()) if Path(weights).exists() else weights


@app.command()
def status(out: Out, as_json: options.Json = False) -> None:
    """Show the progress of an archive, also while it runs."""
    _print(_read_report(out), as_json)


@app.command()
def report(
    out: Out,
    alarms: Annotated[
        bool, typer.Option("--alarms", help="List what to look at in finished videos too; opens each workspace.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """List failed jobs with their reasons; exit status 1 if there are any."""
    result = _read_report(out, alarms=alarms)
    _print(result, as_json, failed_only=True)
    raise typer.Exit(result.exit_status)


@app.command()
def retry(
    out: Out,
    names: Annotated[list[str] | None, typer.Argument(help="Jobs to try again; by default all that failed.")] = None,
) -> None:
    """Let the next `sam2s archive run` try failed jobs again."""
    from sam2s.archive import Manifest

    with Manifest.read(out) as manifest:
        count = manifest.retry(names or None)
    print(f"{count} jobs are pending again; run `sam2s archive run` again")


@app.command()
def split(
    jobs: Annotated[Path, typer.Argument(help="Jobs file.")],
    out: Annotated[Path, typer.Option(help="Jobs file to write, ending in .jsonl.")],
    longest: Annotated[int, typer.Option(min=2, help="Maximum frames per part, without the overlap.")] = 15_000,
    overlap: Annotated[int, typer.Option(min=0, help="Frames that neighbouring parts share.")] = 50,
) -> None:
    """Split long videos at scene cuts into separate jobs; each part needs prompts on its own frames."""
    from sam2s.archive.jobs import read_jobs, write_jobs
    from sam2s.archive.split import split_job
    from sam2s.errors import ConfigError

    if out.suffix != ".jsonl":
        raise ConfigError(f"--out {out} must end in .jsonl")
    parts = [part for job in read_jobs(jobs) for part in split_job(job, longest=longest, overlap=overlap)]
    write_jobs(parts, out)
    print(f"{out}: {len(parts)} jobs")


@app.command()
def join(
    folder: Out,
    name: Annotated[str, typer.Argument(help="Name of the video that was split.")],
) -> None:
    """Join the finished parts of a video into one workspace; ids are matched by the masks on the shared frames."""
    from sam2s.archive import Manifest
    from sam2s.archive.split import join_parts, parts_of

    with Manifest.read(folder) as manifest:
        parts = parts_of(name, manifest.statuses())
    ids = join_parts([folder / part for part, _ in parts], [part for _, part in parts], folder / name)
    for number, mapping in ids.items():
        renumbered = ", ".join(f"{old} is {new}" for old, new in mapping.items() if old != new)
        print(f"part {number}: {renumbered or 'ids as they were'}")
    print(folder / name)


def _local_engine(flags: _RunFlags) -> ArchiveEngine:
    import os

    from sam2s.archive import LocalEngine
    from sam2s.archive.worker import track_video
    from sam2s.device import resolve_device

    settings, where = flags.settings, resolve_device(flags.settings.device)
    if where.type == "cuda" and where.index is None:
        import torch

        found = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    else:
        found = [str(where)]
    count = flags.workers or len(found)
    if where.type == "cpu" and settings.threads is None and count > 1:
        settings = replace(settings, threads=max(1, (os.cpu_count() or 1) // count))
    return LocalEngine(track_video, settings, [found[i % len(found)] for i in range(count)])


def _ray_engine(flags: _RunFlags) -> ArchiveEngine:
    from sam2s.archive.ray_engine import RayEngine, RayResources
    from sam2s.archive.worker import track_video

    resources = RayResources(cpus=flags.cpus, gpus=flags.gpus, max_workers=flags.workers)
    return RayEngine(track_video, flags.settings, resources, address=flags.address, spill=flags.spill)


def _read_report(out: Path, *, alarms: bool = False) -> ArchiveReport:
    from sam2s.archive import ArchiveReport, Manifest

    with Manifest.read(out) as manifest:
        statuses = manifest.statuses()
    if not alarms:
        return ArchiveReport.of(statuses)
    from sam2s.archive.report import read_alarms
    from sam2s.cli.progress import progress

    with progress("videos") as say:
        return ArchiveReport.of(statuses, read_alarms(out, statuses, lambda stage, done, total: say(done, total)))


def _print(report: ArchiveReport, as_json: bool, *, failed_only: bool = False) -> None:
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        print("\n".join(report.lines(failed_only=failed_only)))


class _Display:
    """A bar over the whole archive on standard error; nothing where that is not a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._progress: Progress | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> _Display:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        console = Console(stderr=True)
        if not self._quiet and console.is_terminal:
            note = TextColumn("{task.fields[note]}")
            self._progress = Progress(TextColumn("videos"), BarColumn(), MofNCompleteColumn(), note, console=console)
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, progress: ArchiveProgress) -> None:
        """Draw how far the archive is."""
        if self._progress is None:
            return
        if self._bar is None:
            self._bar = self._progress.add_task("videos", total=progress.total, note="")
        left = "" if progress.left is None else f", {_duration(progress.left)} left"
        note = f"{len(progress.running)} running, {progress.failed} failed{left}"
        self._progress.update(self._bar, completed=progress.done + progress.failed, note=note)


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60:02d} min" if hours else f"{minutes} min {int(seconds % 60):02d} s"
