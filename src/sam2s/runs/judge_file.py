"""What a run remembers of the events of the video: beside its session while it goes on, as marks when it is done."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sam2s.errors import DamagedWorkspaceError
from sam2s.files import write_atomically
from sam2s.quality import FrameJudge, write_marks
from sam2s.session.replay import Judge
from sam2s.workspace import Workspace


class JudgeFile:
    """State of a `FrameJudge` in a file, named by the frame that comes next, so that it is that of the session.

    It is written before the session's own snapshot and the older one is removed after that: one of the two fits,
    whenever the process is killed. Without a `FrameJudge` nothing is written.
    """

    def __init__(self, folder: Path, run_id: int, judge: Judge | None) -> None:
        self._folder, self._stem = folder, f"run-{run_id}.events-"
        self._judge = judge if isinstance(judge, FrameJudge) else None
        self._newest: Path | None = None

    def save(self, next_frame: int | None) -> None:
        """Write the state before a frame."""
        if self._judge is not None and next_frame is not None:
            self._newest = self._path(next_frame)
            write_atomically(self._newest, json.dumps(self._judge.state_dict()).encode())

    def load(self, next_frame: int) -> None:
        """Take up the state before a frame.

        Raises:
            DamagedWorkspaceError: it is lost or damaged.
        """
        if self._judge is None:
            return
        path = self._path(next_frame)
        try:
            self._judge.load_state_dict(json.loads(path.read_bytes()))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise DamagedWorkspaceError(
                f"{path}, what the run knew of events of the video, is lost or damaged ({error}); track anew with "
                "--overwrite, or with --again beside what people corrected"
            ) from error
        self._newest = path

    def drop_older(self) -> None:
        """Remove all files of the run but the newest."""
        for path in self._files():
            if path != self._newest:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove all files of the run."""
        self._newest = None
        self.drop_older()

    def _path(self, next_frame: int) -> Path:
        return self._folder / f"{self._stem}{next_frame}.json"

    def _files(self) -> list[Path]:
        pattern = re.compile(re.escape(self._stem) + r"-?\d+\.json")
        return [path for path in self._folder.glob(f"{self._stem}*") if pattern.fullmatch(path.name)]


def note_events(workspace: Workspace, judge: Judge | None) -> None:
    """Write the events that a `FrameJudge` met into the workspace as marks; those of frames it did not see stay."""
    if isinstance(judge, FrameJudge) and judge.seen is not None:
        write_marks(workspace, judge.spans, within=judge.seen)
