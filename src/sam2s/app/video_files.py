"""Opening a video as its workspace knows it: by the pattern and with the pixels of the run that made the masks."""

from __future__ import annotations

from pathlib import Path

from sam2s.app.confine import refuse_lists
from sam2s.runs import open_workspace_video
from sam2s.video import VideoSource, open_source
from sam2s.workspace import Workspace


def open_video(path: Path, workspace: Path) -> VideoSource:
    """Open a video that may have a workspace.

    Raises:
        SourceError: it is text, such as a playlist, or cannot be read.
        WorkspaceError: the workspace is of another video.
    """
    refuse_lists(path)
    if not Workspace.exists(workspace):
        return open_source(path)
    with Workspace.open(workspace) as reader:
        return open_workspace_video(reader, str(path))


def reopen(source: VideoSource, path: Path, workspace: Path) -> VideoSource:
    """Another reader of an open video, at a place of its own; what is known of a file is not read again."""
    another = getattr(source, "reopened", None)
    return another() if another is not None else open_video(path, workspace)
