"""`sam2s events`: detect events of the video, such as scene cuts and smoke."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam2s.cli import options
from sam2s.errors import ConfigError, WorkspaceError

if TYPE_CHECKING:
    from sam2s.quality import EventSpan
    from sam2s.video import VideoSource
    from sam2s.workspace import Workspace


def events(
    video: Annotated[str | None, typer.Argument(help="Video file or folder of pictures.")] = None,
    workspace: Annotated[
        Path | None,
        typer.Option(
            help="Write the events to this workspace as marks, which the app shows; VIDEO defaults to its video."
        ),
    ] = None,
    pattern: options.Pattern = None,
    as_json: options.Json = False,
) -> None:
    """Detect scene cuts, out-of-body frames, smoke, blur, lens wash, blood, black, frozen and test pictures.

    sam2s events operation.mp4 --workspace runs/operation
    """
    from sam2s.cli.progress import progress
    from sam2s.quality import find_events, write_marks
    from sam2s.runs import open_workspace_video
    from sam2s.video import open_source
    from sam2s.workspace import Workspace

    if video is None and workspace is None:
        raise ConfigError("VIDEO is missing; give a video, or a --workspace to use its video")
    with ExitStack() as stack:
        noted = None if workspace is None else stack.enter_context(Workspace.open(workspace, write=True))
        if video is not None:
            source = stack.enter_context(closing(open_source(video, pattern=pattern)))
            _check_owner(noted, source)
        else:
            assert noted is not None
            source = stack.enter_context(closing(open_workspace_video(noted)))
        with progress("frames") as report:
            found = find_events(source, report_progress=report)
        if noted is not None:
            write_marks(noted, found)
        _print(found, source, as_json)


def _check_owner(workspace: Workspace | None, source: VideoSource) -> None:
    if workspace is not None and workspace.video.fingerprint != source.fingerprint():
        raise WorkspaceError(
            f"{workspace.folder} belongs to {workspace.video.name}, which is another video than {source.name}; omit "
            "the video, or give its own workspace"
        )


def _print(spans: list[EventSpan], source: VideoSource, as_json: bool) -> None:
    rate = None if source.fps is None else float(source.fps)
    rows: list[dict[str, Any]] = []
    for span in spans:
        seconds = {} if rate is None else {"start_seconds": span.start / rate, "stop_seconds": span.stop / rate}
        rows.append({"kind": str(span.kind), "start": span.start, "stop": span.stop, **seconds})
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        time = (
            f"  {row['start_seconds']:.2f} s, {row['stop_seconds'] - row['start_seconds']:.2f} s long" if rate else ""
        )
        print(f"{row['kind']:<13} frames {row['start']} to {row['stop'] - 1}{time}")
    print(f"{len(rows)} events in {source.name}")
