"""Exports of a workspace with its video, wherever that lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from sam2s.errors import SourceError, WorkspaceError
from sam2s.formats.export import ExportProgress, write_exports
from sam2s.formats.outputs import WITH_VIDEO
from sam2s.video import VideoSource, open_source
from sam2s.workspace import Workspace, WorkspaceReader


def export_workspace(
    folder_of_workspace: Path,
    kinds: Sequence[str],
    *,
    folder: Path | None = None,
    video: str | None = None,
    object_ids: Iterable[int] | None = None,
    report_progress: ExportProgress | None = None,
) -> dict[str, Path]:
    """Open a workspace, and its video where an export needs it, and write exports; see `write_exports`.

    Args:
        folder_of_workspace: where the masks are.
        kinds: of `sam2s.formats.outputs.KINDS`.
        folder: where they go; by default beside the workspace.
        video: where the video is; by default where it was when the workspace was made.
        object_ids: which objects, by default all.
        report_progress: called frame by frame.

    Raises:
        SourceError: the video is needed and not found.
        WorkspaceError: there is no workspace, or the video is another one.
    """
    with ExitStack() as stack:
        workspace = stack.enter_context(Workspace.open(folder_of_workspace))
        source = _video_of(workspace, video, needed=any(kind in WITH_VIDEO for kind in kinds))
        if source is not None:
            stack.callback(source.close)
        return write_exports(
            workspace, source, kinds, folder=folder, object_ids=object_ids, report_progress=report_progress
        )


def open_workspace_video(workspace: WorkspaceReader, video: str | None = None) -> VideoSource:
    """Open the video of a workspace as the run that made it did: by the same pattern, with the same pixels.

    Args:
        workspace: whose.
        video: where it is; by default where it was when the workspace was made.

    Raises:
        SourceError: it is not there, or cannot be read.
        WorkspaceError: another video is there.
    """
    source = _video_of(workspace, video, needed=True)
    assert source is not None, "a video that is needed is there or refused"
    return source


def _video_of(workspace: WorkspaceReader, video: str | None, *, needed: bool) -> VideoSource | None:
    """The video, which also names the pictures of a folder; None where it is not there and nobody needs it."""
    target = video or workspace.video.path
    if target is None or (video is None and not Path(target).exists()):
        if needed:
            raise SourceError(
                f"the video {workspace.video.name} is needed and not at {target}; bring it back, or give --video"
            )
        return None
    runs = workspace.runs.all()
    source = open_source(target, **(runs[-1].settings.get("source", {}) if runs else {}))
    if source.fingerprint() != workspace.video.fingerprint:
        source.close()
        if video is None and not needed:
            return None
        raise WorkspaceError(f"{target} is another video than {workspace.video.name}, of which the masks are")
    return source
