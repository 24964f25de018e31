"""`sam2s import`: masks of others into a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Read masks of others into a workspace.", no_args_is_help=True)


@app.command()
def masks(
    workspace: Annotated[Path, typer.Argument(help="Folder of a workspace; made if --video is given.")],
    file: Annotated[Path, typer.Argument(help="File or folder with masks, polygons or boxes.")],
    form: Annotated[
        str | None,
        typer.Option(
            help="davis, coco, ytvis, jsonl, sav, cvat, cvat-zip, labelme, yolo or dicom-seg; by default found."
        ),
    ] = None,
    first_frame: Annotated[
        int, typer.Option(min=0, help="Number in the name of the picture that is the first frame.")
    ] = 0,
    video: Annotated[str | None, typer.Option(help="The video, where there is no workspace yet.")] = None,
    author: Annotated[str | None, typer.Option(help="Who; noted beside the act.")] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Write to a workspace although another process holds it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Read masks into a workspace as objects; boxes become prompts. All of a file is read, or nothing of it.

    Imported masks are shown before propagated ones, and no propagation replaces them. An object keeps its number where
    that is free or belongs to an object of the same name.
    """
    import json
    from contextlib import closing
    from dataclasses import asdict

    from sam2s.formats.imports import import_masks
    from sam2s.video import open_source
    from sam2s.workspace import VideoIdentity, Workspace

    if video is not None and not Workspace.exists(workspace):
        with closing(open_source(video)) as source:
            opened = Workspace.create(workspace, VideoIdentity.of(source))
    else:
        opened = Workspace.open(workspace, write=True, take_over=take_over)
    with opened:
        report = import_masks(opened, file, form=form, first_frame=first_frame, author=author)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
        return
    print(f"read {report.masks} masks and {report.boxes} boxes on {report.frames} frames ({report.form})")
    for key, object_id in report.objects.items():
        print(f"  {key} is object {object_id}")
