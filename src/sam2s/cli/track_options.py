"""Flags of `sam2s track` alone; `sam2s.cli.options` has those that it shares with other verbs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Input = Annotated[
    str,
    typer.Argument(metavar="INPUT", help="Video file, folder of images, camera:0, or an address like rtsp://..."),
]
Out = Annotated[Path, typer.Option(help="Folder of the workspace; an interrupted run in it is resumed.")]
Prompts = Annotated[Path | None, typer.Option(help="JSON file of prompts; see docs/reference/prompts.md.")]
Box = Annotated[list[str] | None, typer.Option(help="ID@FRAME:X0,Y0,X1,Y1 in pixels; ID=NAME names the object.")]
Point = Annotated[list[str] | None, typer.Option(help="ID@FRAME:+X,Y on the object or -X,Y off it.")]
Mask = Annotated[list[str] | None, typer.Option(help="ID@FRAME:FILE, an image with the size of the video.")]
Memory = Annotated[
    Literal["divemem", "sam2", "divemem+search", "sam2+search"],
    typer.Option(help="Memory of SAM2S or of SAM 2; +search looks for lost objects in the whole frame."),
]
SearchProposer = Annotated[
    str | None,
    typer.Option(help="With +search: module:function or file.py:function that proposes boxes, instead of a grid."),
]
Reverse = Annotated[bool, typer.Option("--reverse", help="Track backward from the last prompt to --start.")]
Start = Annotated[int, typer.Option(min=0, help="First frame to track.")]
Stop = Annotated[int | None, typer.Option(min=1, help="Frame to stop before.")]
Stride = Annotated[int, typer.Option(min=1, help="Track every n-th frame only.")]
Backend = Annotated[
    Literal["auto", "torch", "onnx"], typer.Option(help="onnx: --weights is a folder of `sam2s export onnx`.")
]
Live = Annotated[
    Literal["latest", "block"], typer.Option(help="Cameras and streams: track the latest frame, or every frame.")
]
Events = Annotated[
    bool,
    typer.Option(
        "--events/--no-events",
        help="Detect video events; while one hides the scene, objects are not judged and memory is not updated.",
    ),
]
FillHoles = Annotated[int, typer.Option(min=0, help="Fill holes of fewer pixels than this in masks.")]
RemoveIslands = Annotated[
    int, typer.Option(min=0, help="Remove components of fewer pixels than this from masks, except the largest.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Discard the workspace in the folder.")]
Again = Annotated[bool, typer.Option("--again", help="Track anew in an existing workspace; accepted masks are kept.")]
StallSeconds = Annotated[
    float, typer.Option(min=0, help="A frame that takes longer to read counts as damage; 0: no limit.")
]
SquarePixels = Annotated[
    bool, typer.Option("--square-pixels", help="Scale frames with non-square pixels to their display width.")
]
Quality = Annotated[
    Path | None, typer.Option(help="Quality model of `sam2s quality fit`; by default the one in the weights.")
]
