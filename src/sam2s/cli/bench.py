"""`sam2s bench`: measure speed and memory, stage by stage, and compare with other implementations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sam2s.cli import options
from sam2s.errors import ConfigError

if TYPE_CHECKING:
    from sam2s.model import SAM2S


def bench(
    weights: Annotated[str, typer.Option(help="Name, path, or random:PRESET such as random:tiny.")] = "micro",
    image_size: options.ImageSize = None,
    objects: Annotated[str, typer.Option(help="Comma-separated numbers of objects to track.")] = "1,2,4,8,16",
    frames: Annotated[int, typer.Option(min=10, help="Length of the generated video.")] = 60,
    video_size: Annotated[
        int | None, typer.Option(min=32, help="Width and height of the video; by default the image size.")
    ] = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    compile: options.Compile = False,
    batched: options.Batched = "auto",
    against: Annotated[
        Literal["transformers", "official"] | None, typer.Option(help="Also run another implementation, and compare.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Plot the cost curves to this file (png, svg, pdf).")] = None,
    as_json: options.Json = False,
) -> None:
    """Measure speed and memory on a generated video, for each number of objects.

    Offline tracking prefetches features and encodes masks; live tracking processes frame by frame and reports p50, p95
    and p99 latency. Stages are timed in a third pass that synchronises after each. --against tracks the same video with
    another implementation and the same weights, for the first of the numbers of objects, and compares times and masks.
    """
    counts = _numbers(objects)
    if compile and against:
        raise ConfigError("--compile affects only our side of --against; measure them in two runs")
    if batched != "auto" and against:
        raise ConfigError("--against uses the default batching of the device; omit --batched")
    if plot:
        from sam2s.evaluation.plots import empty_figure

        empty_figure(plot)  # a missing extra is reported before minutes of work
    from sam2s.bench.network import bench_network

    model = bench_network(weights, image_size=image_size, device=device, precision=precision, threads=threads)
    setting = _setting(model, weights, video_size or model.image_size, frames, compile)
    setting["batched"] = batched
    if not as_json:
        print(", ".join(f"{name} {value}" if name != "hardware" else str(value) for name, value in setting.items()))
    _measure(model, setting, counts, against, plot, as_json)


def _setting(model: SAM2S, weights: str, side: int, frames: int, compiled: bool) -> dict[str, Any]:
    """What was measured on what, for the head of the report."""
    from sam2s.evaluation.hardware import hardware

    return {
        "hardware": hardware(model.device),
        "weights": weights,
        "image_size": model.image_size,
        "video_size": side,
        "precision": str(model.dtype).removeprefix("torch."),
        "frames": frames,
        "compiled": compiled,
    }


def _measure(
    model: SAM2S,
    setting: dict[str, Any],
    counts: list[int],
    against: Literal["transformers", "official"] | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Measure with each number of objects, beside another implementation where one is named, and print the result."""
    import json
    import tempfile

    from sam2s.bench.against import compare
    from sam2s.bench.film import write_film
    from sam2s.bench.report import comparison_table, plot_cost, runs_table, to_json
    from sam2s.bench.stages import measure
    from sam2s.model.compiled import compile_network
    from sam2s.tracking.warm_up import warm_up

    compared = compare(model, against, setting["frames"], counts[0]) if against else None
    if setting["compiled"]:
        warm_up(compile_network(model))
    with tempfile.TemporaryDirectory(prefix="sam2s-") as folder:
        film = Path(folder) / "film.mp4"
        write_film(film, setting["frames"], setting["video_size"], setting["video_size"])
        runs = [measure(model, film, count, batched=setting["batched"]) for count in counts]
    if plot:
        plot_cost(runs, plot, f"{setting['weights']} at {model.image_size} px, {setting['hardware']}")
    if as_json:
        print(json.dumps(to_json(setting, runs, compared), indent=2))
        return
    print("\n" + runs_table(runs))
    if compared:
        print("\n" + comparison_table(compared))
    if plot:
        print(f"\ncost curves: {plot}")


def _numbers(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1:
        raise ConfigError(f"--objects {text!r} is not a list of numbers from 1 up, such as 1,2,4")
    return counts
