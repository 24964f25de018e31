"""`sam2s import`: read masks from other formats into a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sam2s.cli import options

app = typer.Typer(help="Import masks from other formats.", no_args_is_help=True)


@app.command()
def masks(
    workspace: Annotated[Path, typer.Argument(help="Folder of a workspace; created if --video is given.")],
    file: Annotated[Path, typer.Argument(help="File or folder with masks, polygons or boxes.")],
    form: Annotated[
        str | None,
        typer.Option(
            help="davis, coco, ytvis, jsonl, sav, cvat, cvat-zip, labelme, yolo or dicom-seg; by default detected."
        ),
    ] = None,
    first_frame: Annotated[int, typer.Option(min=0, help="Number in the file name of the first frame.")] = 0,
    video: Annotated[str | None, typer.Option(help="Video, if there is no workspace yet.")] = None,
    author: Annotated[str | None, typer.Option(help="Name to record with the import.")] = None,
    take_over: options.TakeOver = False,
    as_json: options.Json = False,
) -> None:
    """Import masks into a workspace as objects; boxes become prompts. A file is imported completely or not at all.

    Imported masks take precedence over propagated ones and are not replaced by them. An object keeps its number if that
    is free or belongs to an object with the same name.
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
