"""`sam2s track`: prompts and a video in, masks out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sam2s.cli import options
from sam2s.cli import track_options as flags
from sam2s.cli.progress import stage_progress

if TYPE_CHECKING:
    from sam2s.formats.prompts_file import PromptEntry
    from sam2s.runs import RunOutcome

ALARMS_SHOWN = 10
"""Alarms that are printed; the rest is in the workspace, in the exports and in --json."""

CONVERTED = ("prompts", "box", "point", "mask", "memory", "search_proposer", "export", "as_json")
"""Flags that are converted to other fields of `RunSettings`; all others have the name of their field."""


def track(
    input: flags.Input,
    out: flags.Out,
    weights: options.Weights = "micro",
    prompts: flags.Prompts = None,
    box: flags.Box = None,
    point: flags.Point = None,
    mask: flags.Mask = None,
    memory: flags.Memory = "divemem",
    search_proposer: flags.SearchProposer = None,
    reverse: flags.Reverse = False,
    start: flags.Start = 0,
    stop: flags.Stop = None,
    stride: flags.Stride = 1,
    image_size: options.ImageSize = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    compile: options.Compile = False,
    batched: options.Batched = "auto",
    backend: flags.Backend = "auto",
    export: options.Kinds = "overlay,csv",
    live: flags.Live = "latest",
    events: flags.Events = False,
    fill_holes: flags.FillHoles = 0,
    remove_islands: flags.RemoveIslands = 0,
    overwrite: flags.Overwrite = False,
    again: flags.Again = False,
    take_over: options.TakeOver = False,
    stall_seconds: flags.StallSeconds = 120.0,
    pattern: options.Pattern = None,
    square_pixels: flags.SquarePixels = False,
    quality: flags.Quality = None,
    as_json: options.QuietJson = False,
) -> None:
    """Track objects through a video and write their masks.

    Prompt each object once, such as --box 1@0:195,48,550,293 --point 2=grasper@0:+300,200; without prompts, those of
    the workspace are used. After Ctrl-C or a crash the same command resumes. Live input ends with Ctrl-C.

    Exit status: 0 done; 1 the video is damaged, and frames before the damage are done; 2 invalid input; 130 or 143
    stopped by Ctrl-C or a signal.
    """
    fields = {name: value for name, value in locals().items() if name not in CONVERTED}
    from sam2s.memory import memory_policy
    from sam2s.runs import RunSettings, run

    settings = RunSettings(
        prompts=_entries(prompts, box, point, mask),
        policy=memory_policy(memory, proposer=search_proposer),
        exports=tuple(kind.strip() for kind in export.split(",") if kind.strip()),
        **fields,
    )
    with stage_progress(quiet=as_json) as report_progress:
        outcome = run(settings, report_progress)
    report(outcome, as_json)
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)
    if outcome.damage is not None:
        raise typer.Exit(1)


def _entries(
    prompts: Path | None, box: list[str] | None, point: list[str] | None, mask: list[str] | None
) -> list[PromptEntry]:
    """All prompts, of the file and of the flags, in the order of frames."""
    from sam2s.formats.prompts_file import arrange, parse_box, parse_mask, parse_points, read_prompts

    entries = read_prompts(prompts) if prompts else []
    entries += [parse_box(text) for text in box or ()]
    entries += [parse_points(text) for text in point or ()]
    entries += [parse_mask(text) for text in mask or ()]
    return arrange(entries)


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
        print(f"resumed at frame {outcome.resumed_at}")
    if outcome.finished_before:
        print("all frames were tracked before; --again tracks anew and keeps them, --overwrite discards them")
    else:
        print(f"tracked {outcome.frames} frames in {outcome.seconds:.1f} s, {outcome.fps:.1f} frames/s")
    if outcome.latency:
        shares = ", ".join(f"{name} {value:.0f} ms" for name, value in outcome.latency.items())
        print(f"from a frame's arrival to its masks: {shares}; {outcome.dropped} frames were dropped")
    for kind, path in outcome.outputs.items():
        print(f"  {kind:<9} {path}")
    for sentence in outcome.warnings:
        print(f"warning: {sentence}")
    if outcome.alarms:
        from sam2s.quality import ALARM_TEXTS

        print(f"{len(outcome.alarms)} spans to review, such as:")
        for span in outcome.alarms[:ALARMS_SHOWN]:
            print(f"  object {span.object_id}, frames {span.start} to {span.stop - 1}: {ALARM_TEXTS[span.alarm]}")
    if outcome.signal is not None:
        print("stopped" if outcome.live else "stopped; the same command resumes from here")
    if outcome.damage is not None:
        print(f"the input ended early: {outcome.damage}")
