"""`sam2s quality`: fit and evaluate the quality model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2s.cli import options
from sam2s.cli.progress import progress

if TYPE_CHECKING:
    from sam2s.evaluation.videos import EvalVideo
    from sam2s.model import Network

app = typer.Typer(
    help="Fit and evaluate the quality model, which predicts how far masks can be trusted.", no_args_is_help=True
)

_Data = Annotated[
    list[str] | None,
    typer.Option(
        help="A built SA-SV set or a folder of sequences with masks; may be repeated [default: generated videos]."
    ),
]
_Frames = Annotated[int, typer.Option(min=2, help="Frames of each generated video.")]
_Every = Annotated[int, typer.Option(min=1, help="Stride: use every n-th frame.")]
_Cache = Annotated[Path | None, typer.Option(help="Folder to cache tracking results in.")]


@app.command()
def fit(
    out: Annotated[Path, typer.Option(help="File to write: .json, or .safetensors for a copy of the weights.")],
    weights: options.Weights = "micro",
    data: _Data = None,
    videos: Annotated[int, typer.Option(min=1, help="Number of generated videos.")] = 60,
    frames: _Frames = 10,
    every: _Every = 10,
    cache: _Cache = None,
    image_size: options.ImageSize = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Track annotated videos, and fit the model that predicts expected IoU and doubt from features of a mask.

    Each object is prompted with a click, a box and its mask. Pass the file to `sam2s track --quality`, or use the
    weights that contain it.
    """
    from sam2s.evaluation.judged_masks import judged_masks
    from sam2s.evaluation.quality_fit import check_ending, fit_on_rows, fit_presence, write_model

    check_ending(out)
    network, chosen = _open(weights, data, videos, frames, every, image_size, device, held_out=False)
    with progress("frames") as report:
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
        print(f"Only {model.fitted['empty']} masks were empty: for those presence alone decides.")


@app.command()
def evaluate(
    weights: options.Weights = "micro",
    data: _Data = None,
    model: Annotated[Path | None, typer.Option("--quality", help="A model of `sam2s quality fit`.")] = None,
    videos: Annotated[
        int, typer.Option(min=1, help="Number of generated videos, which are never used for fitting.")
    ] = 8,
    frames: _Frames = 60,
    every: _Every = 10,
    fps: Annotated[float, typer.Option(min=0.01, help="Frame rate of the videos, for false alarms per hour.")] = 25,
    cache: _Cache = None,
    image_size: options.ImageSize = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Evaluate expected IoU, doubt and alarms on annotated videos.

    Where there are two numbers, the first is for the predicted IoU alone. `error` is the expected calibration error in
    percent, `AUROC` that of detecting masks with an IoU below 0.5, `caught` the share of those among the tenth with the
    greatest doubt.
    """
    from sam2s.evaluation.judged_masks import judged_masks
    from sam2s.evaluation.quality_table import as_markdown, quality_table
    from sam2s.quality import model_of, read_model

    network, chosen = _open(weights, data, videos, frames, every, image_size, device, held_out=True)
    judge = model_of(network) if model is None else read_model(model)
    with progress("frames") as report:
        rows = judged_masks(network, chosen, cache=cache, stride=every if data else 1, report_progress=report)
    table = quality_table(judge, rows, fps=fps / every)
    print(json.dumps(table, indent=2) if as_json else as_markdown(table))


@app.command()
def back(
    folder: Annotated[Path, typer.Argument(help="Workspace of a tracking run whose video has not been moved.")],
    frame: Annotated[int, typer.Option(min=1, help="Frame to track backward from.")],
    window: Annotated[int, typer.Option(min=1, help="Number of frames to track backward.")] = 25,
    weights: options.Weights = "micro",
    image_size: options.ImageSize = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Track backward from the masks of a frame, and compare with the masks at the end (forward-backward consistency).

    If an object was lost or confused with another on the way forward, the agreement (IoU) is low.
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
            raise SourceError(f"{folder} is of a camera or stream, which cannot be read again")
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
