"""`sam2s track`: prompts and a video in, masks out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from sam2s.cli import track_options as options

if TYPE_CHECKING:
    from sam2s.formats.prompts_file import PromptEntry
    from sam2s.runs import ProgressCallback, RunOutcome

T = TypeVar("T")

ALARMS_SHOWN = 10
"""Alarms that are printed; the rest is in the workspace, in the exports and in --json."""

CONVERTED = ("prompts", "box", "point", "mask", "memory", "search_proposer", "export", "as_json")
"""Flags that are no field of `RunSettings` as they are; all others bear the name of theirs."""


def track(
    input: options.Input,
    out: options.Out,
    weights: options.Weights = "micro",
    prompts: options.Prompts = None,
    box: options.Box = None,
    point: options.Point = None,
    mask: options.Mask = None,
    memory: options.Memory = "divemem",
    search_proposer: options.SearchProposer = None,
    reverse: options.Reverse = False,
    start: options.Start = 0,
    stop: options.Stop = None,
    stride: options.Stride = 1,
    image_size: options.ImageSize = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    compile: options.Compile = False,
    batched: options.Batched = "auto",
    backend: options.Backend = "auto",
    export: options.Export = "overlay,csv",
    live: options.Live = "latest",
    events: options.Events = False,
    fill_holes: options.FillHoles = 0,
    remove_islands: options.RemoveIslands = 0,
    overwrite: options.Overwrite = False,
    again: options.Again = False,
    take_over: options.TakeOver = False,
    stall_seconds: options.StallSeconds = 120.0,
    pattern: options.Pattern = None,
    square_pixels: options.SquarePixels = False,
    quality: options.Quality = None,
    as_json: options.AsJson = False,
) -> None:
    """Track objects through a video and write their masks.

    Point at each object once, for example --box 1@0:195,48,550,293 --point 2=grasper@0:+300,200; without prompts, those
    of the workspace in --out are taken. Masks are saved as they come: after Ctrl-C, or a crash, the same command goes
    on where it stopped. Ctrl-C ends the run on a camera or stream, and its exports are then made.

    Exit status: 0 done; 1 the video is damaged, all frames up to the damage are done; 2 invalid input or missing
    requirement; 130 or 143 stopped by Ctrl-C or a signal.
    """
    flags = {name: value for name, value in locals().items() if name not in CONVERTED}
    from sam2s.memory import memory_policy
    from sam2s.runs import RunSettings, run

    settings = RunSettings(
        prompts=_entries(prompts, box, point, mask),
        policy=memory_policy(memory, proposer=search_proposer),
        exports=tuple(kind.strip() for kind in export.split(",") if kind.strip()),
        **flags,
    )
    outcome = run(settings) if as_json else with_progress(lambda report_progress: run(settings, report_progress))
    report(outcome, as_json)
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)
    if outcome.damage is not None:
        raise typer.Exit(1)


def _entries(
    prompts: Path | None, box: list[str] | None, point: list[str] | None, mask: list[str] | None
) -> list[PromptEntry]:
    """All that is pointed at, in the file and by flags, in the order of frames."""
    from sam2s.formats.prompts_file import arrange, parse_box, parse_mask, parse_points, read_prompts

    entries = read_prompts(prompts) if prompts else []
    entries += [parse_box(text) for text in box or ()]
    entries += [parse_points(text) for text in point or ()]
    entries += [parse_mask(text) for text in mask or ()]
    return arrange(entries)


def with_progress(work: Callable[[ProgressCallback], T]) -> T:
    """Do `work(report_progress)` under a progress bar on standard error with frames a second and time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=Console(stderr=True))
    tasks: dict[str, int] = {}

    def report_progress(what: str, done: int, total: int | None) -> None:
        progress.start()  # not before there is something to show: an error may come first
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=total, rate="")
        task = next(task for task in progress.tasks if task.id == tasks[what])
        rate = f"{task.speed:.1f} frames/s" if task.speed else ""
        progress.update(task.id, completed=done, total=total, rate=rate)

    try:
        return work(report_progress)
    finally:
        if tasks:
            progress.stop()


def report(outcome: RunOutcome, as_json: bool) -> None:
    """Print how a run went."""
    import json

    if as_json:
        print(
            json.dumps(
                {
                    "frames": outcome.frames,
                    "seconds": round(outcome.seconds, 3),
                    "fps": round(outcome.fps, 2),
                    "resumed_at": outcome.resumed_at,
                    "outputs": {kind: str(path) for kind, path in outcome.outputs.items()},
                    "latency_ms": outcome.latency,
                    "dropped": outcome.dropped,
                    "stopped_by_signal": outcome.signal,
                    "damage": outcome.damage,
                    "alarms": [span._asdict() for span in outcome.alarms],
                    "warnings": outcome.warnings,
                },
                indent=2,
            )
        )
        return
    if outcome.resumed_at is not None:
        print(f"went on from frame {outcome.resumed_at}")
    if outcome.finished_before:
        print("all frames were tracked before; --again tracks anew beside them, --overwrite forgets them")
    else:
        print(f"tracked {outcome.frames} frames in {outcome.seconds:.1f} s, {outcome.fps:.1f} a second")
    if outcome.latency:
        shares = ", ".join(f"{name} {value:.0f} ms" for name, value in outcome.latency.items())
        print(f"from a frame's arrival to its masks: {shares}; {outcome.dropped} frames were passed over")
    for kind, path in outcome.outputs.items():
        print(f"  {kind:<9} {path}")
    for sentence in outcome.warnings:
        print(f"warning: {sentence}")
    if outcome.alarms:
        from sam2s.quality import ALARM_TEXTS

        print(f"{len(outcome.alarms)} stretches to look at, such as:")
        for span in outcome.alarms[:ALARMS_SHOWN]:
            print(f"  object {span.object_id}, frames {span.start} to {span.stop - 1}: {ALARM_TEXTS[span.alarm]}")
    if outcome.signal is not None:
        print("stopped" if outcome.live else "stopped; the same command goes on from here")
    if outcome.damage is not None:
        print(f"the input ended early: {outcome.damage}")
