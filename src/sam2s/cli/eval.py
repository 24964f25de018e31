"""`sam2s eval`: track annotated videos and score the masks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sam2s.cli import options
from sam2s.cli.progress import progress
from sam2s.evaluation.rules import Missing, Prompting, Rules, parse_void

if TYPE_CHECKING:
    from sam2s.archive import ArchiveJob, ArchiveProgress
    from sam2s.evaluation.plan import EvalRun, EvalSettings
    from sam2s.evaluation.write_report import EvalReport

_Data = Annotated[
    list[str], typer.Option(help="A built SA-SV set, a folder of sequences, or synthetic:N; may be repeated.")
]
_Out = Annotated[Path, typer.Option(help="Folder for masks, results and tables; finished results in it are kept.")]
_Prompt = Annotated[list[Prompting] | None, typer.Option(help="Prompts of each object; may be repeated.")]
_Weights = Annotated[
    list[str] | None,
    typer.Option(help="Name from `sam2s weights list`, or path; NAME=... names the row; may be repeated."),
]
_Method = Annotated[
    list[str] | None,
    typer.Option(
        help="sam2s, copy, flow, masks:FOLDER, module:Class or command:LINE; NAME=... names the row; may be repeated."
    ),
]
_Memory = Annotated[
    list[str] | None,
    typer.Option(help="Memory of method sam2s: divemem, sam2, divemem+search or sam2+search; may be repeated."),
]
_Subset = Annotated[list[str] | None, typer.Option(help="Only objects of this subset; may be repeated.")]
_Split = Annotated[
    str | None,
    typer.Option(help="Part of a built set (default: test), or a list in ImageSets (default: all videos)."),
]
_Rounds = Annotated[
    int, typer.Option(min=1, help="With offline and online: maximum number of prompted frames per object.")
]
_Events = Annotated[
    bool, typer.Option("--events/--no-events", help="Do not judge frames on which an event hides the scene.")
]
_SkipFirstLast = Annotated[
    bool,
    typer.Option("--skip-first-last/--all-frames", help="Do not score the first and the last frame of each object."),
]
_Void = Annotated[
    str, typer.Option(help="Void value in ground-truth masks: auto (255 if there are other ids), none, or a number.")
]
_MissingMasks = Annotated[
    Missing, typer.Option(help="Masks missing from a command or masks:FOLDER: an error, or empty.")
]
_Shard = Annotated[
    str, typer.Option(help="I/N: evaluate every N-th video from I, counted from 0; for one process per GPU.")
]
_Engine = Annotated[Literal["local", "ray"], typer.Option(help="Processes of this machine, or a Ray cluster.")]
_Address = Annotated[str | None, typer.Option(help="Ray: address of a running cluster, or auto.")]
_Gpus = Annotated[float, typer.Option(min=0, help="Ray: GPUs per worker; may be a fraction.")]
_Probe = Annotated[
    bool,
    typer.Option("--probe/--no-probe", help="Also track black frames and frames of another scene, a few per video."),
]


def eval(
    data: _Data,
    out: _Out,
    prompt: _Prompt = None,
    weights: _Weights = None,
    method: _Method = None,
    memory: _Memory = None,
    subset: _Subset = None,
    split: _Split = None,
    split_file: options.SplitFile = None,
    rounds: _Rounds = 8,
    events: _Events = False,
    batched: options.Batched = "auto",
    skip_first_last: _SkipFirstLast = True,
    void: _Void = "auto",
    missing: _MissingMasks = Missing.ERROR,
    image_size: options.ImageSize = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    shard: _Shard = "0/1",
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine, or workers of the cluster.")] = 1,
    engine: _Engine = "local",
    address: _Address = None,
    gpus: _Gpus = 0.0,
    probe: _Probe = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Repeat finished results.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON instead of the tables.")] = False,
) -> None:
    """Track annotated videos with any method, and score the masks as the SAM2S paper does.

    Writes masks, report.json, report.md (Tables 2 to 4 with published rows) and plots. Rows of earlier commands with
    the same --out are kept. After Ctrl-C the same command resumes. With --shard the last process writes the report.

    Exit status: 0 all done; 1 some videos failed or are missing; 2 invalid input or missing requirement.
    """
    from sam2s.evaluation.datasets import open_videos
    from sam2s.evaluation.evaluate import check_runs, evaluate
    from sam2s.evaluation.plan import EvalSettings, parse_shard, plan_runs
    from sam2s.evaluation.result_files import forget_results
    from sam2s.evaluation.write_report import report_rows

    part = parse_shard(shard)
    prompts = prompt or [Prompting.CLICK_3]
    runs = plan_runs(method or ["sam2s"], memory or ["divemem"], prompts, weights or ["micro"])
    settings = EvalSettings(
        image_size, device, precision, rounds, probe=probe, missing=missing, events=events, batched=batched
    )
    videos = open_videos(data, split=split, split_file=split_file, subsets=subset or (), void=parse_void(void))
    if engine == "ray":
        if overwrite:  # once, since workers and drivers may be lost and begin again
            check_runs(runs, videos, settings)
            forget_results(out, runs, [video.name for video in videos])
        choice = _choice_of_videos(split, split_file, subset, void)
        _evaluate_on_ray(data, runs, settings, out, choice, workers, gpus, address)
    else:
        with progress("frames") as report:
            evaluate(
                videos, runs, settings, out, shard=part, overwrite=overwrite, workers=workers, report_progress=report
            )
    _print_report(report_rows(out, runs, videos, Rules(skip_first_last=skip_first_last), data), out, as_json=json_)


def _choice_of_videos(
    split: str | None, split_file: Path | None, subset: list[str] | None, void: str
) -> dict[str, Any]:
    """Arguments of `open_videos` as plain JSON, for the workers of a cluster."""
    absolute = None if split_file is None else str(split_file.absolute())
    return {"split": split, "split_file": absolute, "subsets": list(subset or ()), "void": void}


def _print_report(report: EvalReport, out: Path, *, as_json: bool) -> None:
    """Draw the plots, print the tables or the JSON, and exit with status 1 if videos are missing."""
    import json

    from sam2s.evaluation.write_report import write_plots

    plots = write_plots(report.outcomes, out)
    print(json.dumps(report.document, indent=1) if as_json else report.text.rstrip())
    if not as_json:
        print(f"\nMasks, report.md and report.json are in {out}, {plots}.")
    if report.unfinished:
        raise typer.Exit(1)


def _evaluate_on_ray(
    data: list[str],
    runs: list[EvalRun],
    settings: EvalSettings,
    out: Path,
    choice: dict[str, Any],
    workers: int,
    gpus: float,
    address: str | None,
) -> None:
    """Share the videos among the workers of a Ray cluster, which all see the same folders."""
    from sam2s.archive.shards import shard_jobs
    from sam2s.archive.supervisor import supervise

    jobs = shard_jobs(workers, data, runs, settings, out, choice)
    arguments = (jobs, settings.device, out.absolute(), workers, gpus, address)
    supervise(drive_shards, arguments, note=lambda text: print(text, file=sys.stderr))


def drive_shards(
    report_alive: Callable[[], None],
    jobs: list[ArchiveJob],
    device: str,
    out: Path,
    workers: int,
    gpus: float,
    address: str | None,
) -> None:
    """Evaluate the shards on a Ray cluster, in a separate process that may be lost with it."""
    from sam2s.archive import WorkerSettings
    from sam2s.archive.ray_engine import RayEngine, RayResources
    from sam2s.archive.shards import evaluate_on, evaluate_shard

    resources = RayResources(gpus=gpus, max_workers=workers)
    ray = RayEngine(evaluate_shard, WorkerSettings(device=device), resources, address=address)
    with progress("shards") as report:

        def report_progress(state: ArchiveProgress) -> None:
            report_alive()
            report(state.done, state.total)

        evaluate_on(ray, jobs, out, report_progress)
