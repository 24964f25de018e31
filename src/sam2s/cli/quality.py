"""`sam2s quality`: how far masks can be believed: fit it, measure it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam2s.cli.progress import progress

if TYPE_CHECKING:
    from sam2s.evaluation.videos import EvalVideo
    from sam2s.model import Network

app = typer.Typer(help="Fit and measure how far masks can be believed.", no_args_is_help=True)

_Weights = Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")]
_Data = Annotated[
    list[str] | None,
    typer.Option(help="A built SA-SV set or a folder of sequences with masks; may be repeated [default: drawn]."),
]
_Frames = Annotated[int, typer.Option(min=2, help="Frames of each drawn video.")]
_Every = Annotated[int, typer.Option(min=1, help="Draw, or look at, every so many frames.")]
_Cache = Annotated[Path | None, typer.Option(help="Keep what was tracked here, so that another call takes seconds.")]
_Size = Annotated[int | None, typer.Option(help="Side of the network's image, a multiple of 32.")]
_Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")]


@app.command()
def fit(
    out: Annotated[Path, typer.Option(help="File to write: .json, or .safetensors for a copy of the weights.")],
    weights: _Weights = "micro",
    data: _Data = None,
    videos: Annotated[int, typer.Option(min=1, help="Number of drawn videos.")] = 60,
    frames: _Frames = 10,
    every: _Every = 10,
    cache: _Cache = None,
    image_size: _Size = None,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """Track videos whose masks are known, and fit what turns features of a mask into its expected IoU and its doubt.

    Each object is shown by a click, by a box and by its mask. Give the file to
    `sam2s track --quality`, or use the weights that carry it.
    """
    from sam2s.evaluation.judged_masks import judged_masks
    from sam2s.evaluation.quality_fit import check_ending, fit_on_rows, fit_presence, write_model

    check_ending(out)
    network, chosen = _open(weights, data, videos, frames, every, image_size, device, held_out=False)
    with _counted() as report:
        rows = judged_masks(network, chosen, cache=cache, stride=every if data else 1, report_progress=report)
    record = {"videos": len(chosen), "data": data or f"drawn, {frames} frames each, every {every}"}
    model, presence = fit_on_rows(network, rows, record), fit_presence(rows)
    write_model(out, weights, model, presence)
    facts = {"path": str(out), **model.fitted, "presence_scale": presence[0], "presence_shift": presence[1]}
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    bad = float((rows["iou"] < 0.5).mean())
    print(f"{out}: fitted on {len(rows):,} masks of {len(chosen)} videos, of which {bad:.1%} are bad (IoU under 0.5)")
    if model.fitted["empty_by_presence"]:
        print(f"Only {model.fitted['empty']} masks were empty: for those the network's presence is taken at its word.")


@app.command()
def evaluate(
    weights: _Weights = "micro",
    data: _Data = None,
    model: Annotated[Path | None, typer.Option("--quality", help="A model of `sam2s quality fit`.")] = None,
    videos: Annotated[int, typer.Option(min=1, help="Number of drawn videos, which no fit sees.")] = 8,
    frames: _Frames = 60,
    every: _Every = 10,
    fps: Annotated[float, typer.Option(min=0.01, help="Frames of the videos a second, for false alarms an hour.")] = 25,
    cache: _Cache = None,
    image_size: _Size = None,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """Measure on videos whose masks are known how far expected IoU, doubt and alarms can be believed.

    Where two numbers stand, the first is of the predicted IoU alone. `error` is
    the expected calibration error in percent, `AUROC` that of masks with an IoU
    under 0.5, `caught` their share among the tenth that is shown.
    """
    from sam2s.evaluation.judged_masks import judged_masks
    from sam2s.evaluation.quality_table import as_markdown, quality_table
    from sam2s.quality import model_of, read_model

    network, chosen = _open(weights, data, videos, frames, every, image_size, device, held_out=True)
    judge = model_of(network) if model is None else read_model(model)
    with _counted() as report:
        rows = judged_masks(network, chosen, cache=cache, stride=every if data else 1, report_progress=report)
    table = quality_table(judge, rows, fps=fps / every)
    print(json.dumps(table, indent=2) if as_json else as_markdown(table))


@app.command()
def back(
    folder: Annotated[Path, typer.Argument(help="Workspace of a tracking run; its video has to be where it was.")],
    frame: Annotated[int, typer.Option(min=1, help="Frame to track back from.")],
    window: Annotated[int, typer.Option(min=1, help="How many frames to go back.")] = 25,
    weights: _Weights = "micro",
    image_size: _Size = None,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """Track back from the masks of a frame, and compare with the masks where one comes to.

    An object that was lost or confused with another on the way forward is not
    found again on the way back: its agreement (IoU) is low.
    """
    import sam2s
    from sam2s.errors import SourceError
    from sam2s.quality import backward_agreement
    from sam2s.video import open_source
    from sam2s.workspace import Workspace

    with Workspace.open(folder) as workspace:
        begin = max(0, frame - window)
        first, last = (workspace.read_frame(index).objects for index in (begin, frame))
        names = {info.object_id: info.name or "object" for info in workspace.objects()}
        if workspace.video.path is None:
            raise SourceError(f"{folder} is of a camera or stream, whose frames are not there to go back over")
        path = workspace.video.path
    source = open_source(path)
    frames = list(source.frames(begin, frame + 1))
    source.close()
    network = sam2s.load(weights, image_size=image_size, device=device)
    before, after = ({i: entry.mask for i, entry in entries.items()} for entries in (first, last))
    agreement = backward_agreement(network, frames, before, after)
    if as_json:
        print(json.dumps({"from": frame, "to": begin, "agreement": agreement}, indent=2))
        return
    for object_id, value in agreement.items():
        print(f"object {object_id} ({names.get(object_id, 'object')}): {value:.2f} from frame {frame} back to {begin}")


def _open(
    weights: str,
    data: list[str] | None,
    videos: int,
    frames: int,
    every: int,
    image_size: int | None,
    device: str,
    *,
    held_out: bool,
) -> tuple[Network, list[EvalVideo]]:
    """The network, and the videos to track."""
    import sam2s
    from sam2s.evaluation.datasets import open_videos
    from sam2s.evaluation.quality_fit import drawn_videos

    network = sam2s.load(weights, image_size=image_size, device=device)
    if data:
        return network, open_videos(data)
    return network, list(drawn_videos(videos, frames, every, held_out=held_out))


@contextmanager
def _counted() -> Iterator[Callable[[int, int | None], None]]:
    with progress("frames") as report:
        yield lambda done, total: _report(report, done, total)


def _report(report: Any, done: int, total: int | None) -> None:
    report(done, total or done, "")
