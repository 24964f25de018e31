"""The flags of `sam2s track`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Input = Annotated[
    str,
    typer.Argument(metavar="INPUT", help="Video file, folder of images, camera:0, or an address like rtsp://..."),
]
Out = Annotated[Path, typer.Option(help="Folder of the workspace; resumes a run that was interrupted there.")]
Weights = Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")]
Prompts = Annotated[Path | None, typer.Option(help="JSON file of prompts; see docs/reference/prompts.md.")]
Box = Annotated[list[str] | None, typer.Option(help="ID@FRAME:X0,Y0,X1,Y1 in pixels; ID=NAME names it.")]
Point = Annotated[list[str] | None, typer.Option(help="ID@FRAME:+X,Y on the object or -X,Y off it.")]
Mask = Annotated[list[str] | None, typer.Option(help="ID@FRAME:FILE, a picture of the video's size.")]
Memory = Annotated[
    Literal["divemem", "sam2", "divemem+search", "sam2+search"],
    typer.Option(help="SAM2S long-term memory, or SAM 2; +search looks for lost objects all over the picture."),
]
SearchProposer = Annotated[
    str | None,
    typer.Option(help="With +search: module:function or file.py:function that proposes boxes, instead of a grid."),
]
Reverse = Annotated[bool, typer.Option("--reverse", help="Track from the last prompt backward to --start.")]
Start = Annotated[int, typer.Option(min=0, help="First frame of the span to track in.")]
Stop = Annotated[int | None, typer.Option(min=1, help="Frame to stop before.")]
Stride = Annotated[int, typer.Option(min=1, help="Look only at every n-th frame.")]
ImageSize = Annotated[int | None, typer.Option(help="Side of the network's image, a multiple of 32.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Processor threads of the network.")]
Compile = Annotated[bool, typer.Option("--compile", help="Let torch.compile make kernels first; for GPUs.")]
Batched = Annotated[
    Literal["auto", "alone", "same-shape", "padded", "graphs"],
    typer.Option(help="Which objects go through the network together; auto: alone on a CPU, same-shape on a GPU."),
]
Backend = Annotated[
    Literal["auto", "torch", "onnx"], typer.Option(help="onnx: --weights is a folder of `sam2s export onnx`.")
]
Export = Annotated[
    str,
    typer.Option(
        help="Any of davis, coco, ytvis, csv, overlay, jsonl, sav, cvat, cvat-zip, labelme, yolo, dicom-seg, "
        "dicom-sc, with commas."
    ),
]
Live = Annotated[Literal["latest", "block"], typer.Option(help="Cameras, streams: newest frame, or every.")]
Events = Annotated[
    bool,
    typer.Option(
        "--events/--no-events",
        help="Find events of the video; where one hides the scene, objects are not judged and nothing is remembered.",
    ),
]
FillHoles = Annotated[int, typer.Option(min=0, help="Fill holes of fewer pixels than this in masks.")]
RemoveIslands = Annotated[
    int, typer.Option(min=0, help="Drop parts of masks of fewer pixels than this, but never the largest.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Forget the workspace in the folder.")]
Again = Annotated[
    bool, typer.Option("--again", help="Track anew beside what the workspace holds; accepted masks stay.")
]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Write to a workspace although another process holds it.")]
StallSeconds = Annotated[
    float, typer.Option(min=0, help="A frame that takes longer to read counts as damage; 0: wait for ever.")
]
Pattern = Annotated[str | None, typer.Option(help="Of a folder: which names are frames, for example '*_endo.png'.")]
SquarePixels = Annotated[
    bool, typer.Option("--square-pixels", help="Scale frames whose pixels are not square as players do.")
]
Quality = Annotated[
    Path | None, typer.Option(help="Judge masks by this file of `sam2s quality fit` instead of what the weights bring.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and no progress.")]
