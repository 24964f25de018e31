"""`sam2s archive`: many videos, on the processes of one machine or on a Ray cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from sam2s.archive import ArchiveEngine, ArchiveProgress, ArchiveReport, WorkerSettings

app = typer.Typer(help="Track an archive of videos, on one machine or many.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Out = Annotated[Path, typer.Argument(help="The --out of `sam2s archive run`.")]


@app.command("run")
def run_(
    jobs: Annotated[Path, typer.Argument(help="Jobs file: .csv, .jsonl or .yaml; see docs/reference/jobs.md.")],
    out: Annotated[Path, typer.Option(help="Folder of the manifest and of one workspace for each video.")],
    weights: Annotated[str, typer.Option(help="A name or a path, for jobs that name none.")] = "micro",
    export: Annotated[str, typer.Option(help="Kinds of export for each video, with commas.")] = "",
    engine: Annotated[Literal["local", "ray"], typer.Option(help="Processes of this machine, or Ray.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Videos at once; default one a device.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads of each worker.")] = None,
    memory: Annotated[float | None, typer.Option(min=0.5, help="Gigabytes that a worker may use.")] = None,
    address: Annotated[str | None, typer.Option(help="Ray: address of a running cluster, or auto.")] = None,
    gpus: Annotated[float, typer.Option(min=0, help="Ray: devices of each worker, also a fraction.")] = 0.0,
    cpus: Annotated[float, typer.Option(min=0, help="Ray: processor cores of each worker.")] = 1.0,
    spill: Annotated[Path | None, typer.Option(help="Ray: folder for objects that do not fit into memory.")] = None,
    stall_seconds: Annotated[float, typer.Option(min=1, help="End a video that gives no frame for so long.")] = 300.0,
    as_json: Json = False,
) -> None:
    """Track all videos of a jobs file; starting again does what is left, and what was changed.

    Exit status: 0 all done; 1 a video failed; 2 invalid input; 130 or 143 stopped, the same command goes on.
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
    read_jobs(jobs)  # what is wrong with them is said before anything is started
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
    """Flags of `sam2s archive run`, as they go to the process that drives it."""

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
    """Do an archive; returns the signal that ended it early, or None. With Ray it runs in a process of its own."""
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
    """Weights from anywhere, as workers may run in another folder; names stay names."""
    return str(Path(weights).absolute()) if Path(weights).exists() else weights


@app.command()
def status(out: Out, as_json: Json = False) -> None:
    """Show how far an archive is, also while it runs."""
    _print(_read_report(out), as_json)


@app.command()
def report(out: Out, as_json: Json = False) -> None:
    """Show the jobs that failed with their reasons; exit status 1 if there are any."""
    result = _read_report(out)
    _print(result, as_json, failed_only=True)
    raise typer.Exit(result.exit_status)


@app.command()
def retry(
    out: Out,
    names: Annotated[list[str] | None, typer.Argument(help="Jobs to try again; default all that failed.")] = None,
) -> None:
    """Let the next `sam2s archive run` try jobs again that failed."""
    from sam2s.archive import Manifest

    with Manifest.read(out) as manifest:
        count = manifest.retry(names or None)
    print(f"{count} jobs are pending again; start the same `sam2s archive run`")


@app.command()
def split(
    jobs: Annotated[Path, typer.Argument(help="Jobs file.")],
    out: Annotated[Path, typer.Option(help="Jobs file to write, ending in .jsonl.")],
    longest: Annotated[int, typer.Option(min=2, help="Frames of a part, without the overlap.")] = 15_000,
    overlap: Annotated[int, typer.Option(min=0, help="Frames that two parts share.")] = 50,
) -> None:
    """Divide long videos at scene cuts into jobs of their own; each part needs prompts on its own frames."""
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
    """Join the finished parts of a video to one workspace; ids follow the masks on the shared frames."""
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


def _read_report(out: Path) -> ArchiveReport:
    from sam2s.archive import ArchiveReport, Manifest

    with Manifest.read(out) as manifest:
        return ArchiveReport.of(manifest.statuses())


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
