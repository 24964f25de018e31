"""`sam2s track`: prompts and a video in, masks out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

if TYPE_CHECKING:
    from sam2s.runs import ProgressCallback, RunOutcome

T = TypeVar("T")


def track(
    input: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="Video file, folder of images, camera:0, or an address like rtsp://..."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the workspace; resumes a run that was interrupted there.")],
    weights: Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")] = "micro",
    prompts: Annotated[Path | None, typer.Option(help="JSON file of prompts; see docs/reference/prompts.md.")] = None,
    box: Annotated[list[str] | None, typer.Option(help="ID@FRAME:X0,Y0,X1,Y1 in pixels; ID=NAME names it.")] = None,
    point: Annotated[list[str] | None, typer.Option(help="ID@FRAME:+X,Y on the object or -X,Y off it.")] = None,
    mask: Annotated[list[str] | None, typer.Option(help="ID@FRAME:FILE, a picture of the video's size.")] = None,
    memory: Annotated[Literal["divemem", "sam2"], typer.Option(help="SAM2S long-term memory, or SAM 2.")] = "divemem",
    reverse: Annotated[bool, typer.Option("--reverse", help="Track from the last prompt backward to --start.")] = False,
    start: Annotated[int, typer.Option(min=0, help="First frame of the span to track in.")] = 0,
    stop: Annotated[int | None, typer.Option(min=1, help="Frame to stop before.")] = None,
    stride: Annotated[int, typer.Option(min=1, help="Look only at every n-th frame.")] = 1,
    image_size: Annotated[int | None, typer.Option(help="Side of the network's image, a multiple of 32.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads of the network.")] = None,
    compile: Annotated[bool, typer.Option("--compile", help="Let torch.compile make kernels first; for GPUs.")] = False,
    backend: Annotated[
        Literal["auto", "torch", "onnx"], typer.Option(help="onnx: --weights is a folder of `sam2s export onnx`.")
    ] = "auto",
    export: Annotated[
        str, typer.Option(help="Any of davis, coco, ytvis, csv, overlay, jsonl, sav, cvat, labelme, yolo, with commas.")
    ] = "overlay,csv",
    live: Annotated[
        Literal["latest", "block"], typer.Option(help="Cameras, streams: newest frame, or every.")
    ] = "latest",
    fill_holes: Annotated[int, typer.Option(min=0, help="Fill holes of fewer pixels than this in masks.")] = 0,
    remove_islands: Annotated[
        int, typer.Option(min=0, help="Drop parts of masks of fewer pixels than this, but never the largest.")
    ] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Forget the workspace in the folder.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Track anew beside what the workspace holds; accepted masks stay.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Write to a workspace although another process holds it.")
    ] = False,
    stall_seconds: Annotated[
        float, typer.Option(min=0, help="A frame that takes longer to read counts as damage; 0: wait for ever.")
    ] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and no progress.")] = False,
) -> None:
    """Track objects through a video and write their masks.

    Point at each object once, for example --box 1@0:195,48,550,293 --point 2=grasper@0:+300,200; without prompts, those
    of the workspace in --out are taken. Masks are saved as they come: after Ctrl-C, or a crash, the same command goes
    on where it stopped. Ctrl-C ends the run on a camera or stream, and its exports are then made.

    Exit status: 0 done; 1 the video is damaged, all frames up to the damage are done; 2 invalid input or missing
    requirement; 130 or 143 stopped by Ctrl-C or a signal.
    """
    from sam2s.formats.prompts_file import arrange, parse_box, parse_mask, parse_points, read_prompts
    from sam2s.memory import MemoryPolicy
    from sam2s.runs import RunSettings, run

    entries = read_prompts(prompts) if prompts else []
    entries += [parse_box(text) for text in box or ()]
    entries += [parse_points(text) for text in point or ()]
    entries += [parse_mask(text) for text in mask or ()]
    settings = RunSettings(
        input=input,
        out=out,
        weights=weights,
        prompts=arrange(entries),
        policy=MemoryPolicy(kind=memory),
        reverse=reverse,
        start=start,
        stop=stop,
        stride=stride,
        image_size=image_size,
        device=device,
        precision=precision,
        threads=threads,
        compile=compile,
        backend=backend,
        exports=tuple(kind.strip() for kind in export.split(",") if kind.strip()),
        overwrite=overwrite,
        again=again,
        take_over=take_over,
        stall_seconds=stall_seconds,
        live=live,
        fill_holes=fill_holes,
        remove_islands=remove_islands,
    )
    outcome = run(settings) if as_json else with_progress(lambda report_progress: run(settings, report_progress))
    report(outcome, as_json)
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)
    if outcome.damage is not None:
        raise typer.Exit(1)


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
    if outcome.signal is not None:
        print("stopped" if outcome.live else "stopped; the same command goes on from here")
    if outcome.damage is not None:
        print(f"the input ended early: {outcome.damage}")
