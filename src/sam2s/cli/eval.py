"""`sam2s eval`: track videos whose masks are known, and score the result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sam2s.cli.progress import progress
from sam2s.evaluation.rules import Prompting, Rules

_Data = Annotated[
    list[str], typer.Option(help="A built SA-SV set, a folder of sequences, or synthetic:N; may be repeated.")
]
_Method = Annotated[
    list[str] | None,
    typer.Option(help="sam2s, copy, flow, module:Class or command:LINE, NAME=... names it; may be repeated."),
]
_SkipFirstLast = Annotated[
    bool, typer.Option("--skip-first-last/--all-frames", help="Drop the first and the last frame of each object.")
]
_Probe = Annotated[
    bool, typer.Option("--probe/--no-probe", help="Try black frames and those of another scene too, a few a video.")
]
_Shard = Annotated[str, typer.Option(help="I/N: do every N-th video from I, counted from 0; one process a GPU.")]


def eval(
    data: _Data,
    out: Annotated[Path, typer.Option(help="Folder for masks, results and tables; what is done in it is kept.")],
    prompt: Annotated[list[Prompting] | None, typer.Option(help="How objects are shown; may be repeated.")] = None,
    weights: Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")] = "micro",
    method: _Method = None,
    memory: Annotated[list[str] | None, typer.Option(help="divemem or sam2, of method sam2s; may be repeated.")] = None,
    subset: Annotated[list[str] | None, typer.Option(help="Only objects of this subset; may be repeated.")] = None,
    split: Annotated[str, typer.Option(help="Part of a built set: train, val or test.")] = "test",
    rounds: Annotated[int, typer.Option(min=1, help="Most prompted frames an object, of offline and online.")] = 8,
    skip_first_last: _SkipFirstLast = True,
    image_size: Annotated[int | None, typer.Option(help="Side of the network's image, a multiple of 32.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
    shard: _Shard = "0/1",
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    probe: _Probe = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do again what is done already.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON instead of the tables.")] = False,
) -> None:
    """Track videos whose masks are known by any method, and score it as the SAM2S paper does.

    Writes masks, report.json, report.md (Tables 2 to 4 with the published
    rows beside ours) and plots. After Ctrl-C the same command goes on; with
    --shard several processes share the work and the last one writes the
    whole report.

    Exit status: 0 all done; 1 some videos failed or are still missing; 2 invalid input or missing requirement.
    """
    import json

    from sam2s.evaluation.collect import collect
    from sam2s.evaluation.datasets import open_videos
    from sam2s.evaluation.evaluate import evaluate
    from sam2s.evaluation.plan import EvalSettings, parse_shard, plan_runs
    from sam2s.evaluation.write_report import write_plots, write_report

    part = parse_shard(shard)
    rules = Rules(skip_first_last=skip_first_last)
    runs = plan_runs(method or ["sam2s"], memory or ["divemem"], prompt or [Prompting.CLICK_3], weights)
    settings = EvalSettings(weights, image_size, device, precision, rounds, probe=probe)
    videos = open_videos(data, split=split, subsets=subset or ())
    with progress("frames") as report_progress:
        evaluate(
            videos,
            runs,
            settings,
            out,
            shard=part,
            overwrite=overwrite,
            workers=workers,
            report_progress=report_progress,
        )
    outcomes = [collect(out, run, videos, rules) for run in runs]
    document, text = write_report(outcomes, rules, data, videos, weights, out)
    plots = write_plots(outcomes, out)
    print(json.dumps(document, indent=1) if json_ else text.rstrip())
    if not json_:
        print(f"\nMasks, report.md and report.json are in {out}, {plots}.")
    if any(outcome.missing for outcome in outcomes):
        raise typer.Exit(1)
