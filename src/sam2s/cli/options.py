"""Flags that several verbs share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Weights = Annotated[str, typer.Option(help="Name from `sam2s weights list`, or path.")]
ImageSize = Annotated[int | None, typer.Option(help="Image size of the network in pixels, a multiple of 32.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads of the network.")]
Compile = Annotated[bool, typer.Option("--compile", help="Compile the network with torch.compile; for GPUs.")]
Batched = Annotated[
    Literal["auto", "alone", "same-shape", "padded", "graphs"],
    typer.Option(help="How objects are batched; auto: alone on a CPU, same-shape on a GPU."),
]
Pattern = Annotated[
    str | None, typer.Option(help="For a folder: glob of the files that are frames, for example '*_endo.png'.")
]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="Write to the workspace even if another process has it open.")
]
Kinds = Annotated[
    str,
    typer.Option(
        help="Comma-separated: davis, coco, ytvis, csv, overlay, jsonl, sav, cvat, cvat-zip, labelme, yolo, "
        "dicom-seg, dicom-sc."
    ),
]
SplitFile = Annotated[Path | None, typer.Option(help="Split of a built set, written by `sam2s sasv split`.")]
Workspace = Annotated[Path, typer.Argument(help="Folder of a workspace.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
QuietJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text, and no progress.")]
