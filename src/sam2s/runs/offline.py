"""Tracking through a file or folder, so that a killed run goes on exactly where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from sam2s.errors import DamagedWorkspaceError, OutputError
from sam2s.model import Network
from sam2s.runs.background_writer import BackgroundWriter
from sam2s.runs.checks import SNAPSHOTS, span
from sam2s.runs.judge_file import JudgeFile, note_events
from sam2s.runs.loop import FrameLoop
from sam2s.runs.settings import RunSettings
from sam2s.session import VideoSession
from sam2s.session.folder import check_session_folder, remove_session_files
from sam2s.session.replay import Judge
from sam2s.tracking import FrameResult
from sam2s.video import VideoSource
from sam2s.workspace import RunRecord, RunState, Workspace, prompt_distance, to_record

RECOMPUTE = "track anew with --overwrite, or with --again beside what people corrected"


class OfflineLoop(FrameLoop):
    """A session whose folder lies beside the workspace; see `FrameLoop`."""

    def __init__(
        self,
        settings: RunSettings,
        network: Network,
        source: VideoSource,
        workspace: Workspace,
        run: RunRecord,
        judged: Judge | None = None,
    ) -> None:
        """Take up the run where it was saved last, or begin it.

        Raises:
            DamagedWorkspaceError: masks that the run wrote, or its snapshot, are lost or were changed.
        """
        self.settings, self.workspace, self.run, self.judged = settings, workspace, run, judged
        self.writer = BackgroundWriter(self._write)
        self.folder = workspace.folder / SNAPSHOTS / f"run-{run.run_id}"
        options: dict[str, Any] = {"stride": settings.stride, "snapshot_every": 1 << 60, "max_snapshots": 2}
        options["batched"] = settings.batched
        self.judge_file = JudgeFile(workspace.folder / SNAPSHOTS, run.run_id, judged)
        options["observer"] = settings.monitor(network)
        self.begin, self.stop = span(settings)
        check_session_folder(self.folder)
        goes_on = (self.folder / "session.json").exists()
        if run.frames and not goes_on:
            raise DamagedWorkspaceError(f"{self.folder} is lost, with which the run would go on; {RECOMPUTE}")
        if goes_on:
            self._check_saved()
            self.session = self._reopened(network, source, options)
            if self.session.next_frame is not None:
                self._check_gapless(self.begin, self.session.next_frame)
                if self.session.next_frame != self.begin:
                    self.judge_file.load(self.session.next_frame)
                self.begin = self.session.next_frame
        else:
            remove_session_files(self.folder)
            self.session = VideoSession(network, source, policy=settings.policy, folder=self.folder, **options)
            for entry in settings.prompts:
                self.session.add_prompt(frame=entry.frame, object_id=entry.object_id, prompt=entry.prompt)
        last = source.length if self.stop is None else min(self.stop, source.length or self.stop)
        left = self.begin - settings.start + 1 if settings.reverse else None if last is None else last - self.begin
        self.total = None if left is None else max(0, -(-left // settings.stride))
        self.resumed_at = self.begin if goes_on and self.total != 0 else None

    def results(self) -> Iterator[FrameResult]:
        """Track, frame by frame."""
        return self.session.propagate(self.begin, self.stop, reverse=self.settings.reverse, judged=self.judged)

    def writing(self) -> BackgroundWriter[FrameResult]:
        """Take results to the disk in another thread."""
        return self.writer

    def checkpoint(self) -> None:
        """Save first the masks, then the state that counts them as done."""
        self.writer.flush()
        self.workspace.runs.save(self.run.run_id, RunState.TRACKING, len(self.workspace.frame_indices()))
        self.judge_file.save(self.session.next_frame)
        self.session.checkpoint()
        self.judge_file.drop_older()

    def finish(self) -> None:
        """Note that nothing is left to track, and remove what only going on would need."""
        note_events(self.workspace, self.judged)
        self.workspace.runs.save(self.run.run_id, RunState.FINISHED, len(self.workspace.frame_indices()))
        remove_session_files(self.folder)
        self.judge_file.remove()
        with suppress(OSError):
            self.folder.parent.rmdir()  # unless something else is in it

    def latency(self) -> dict[str, float] | None:
        """Nobody waits for a frame of a file."""
        return None

    def _write(self, result: FrameResult) -> None:
        reverse = self.settings.reverse
        distances = {
            object_id: prompt_distance(result.index, self.settings.prompted_frames(object_id), reverse=reverse)
            for object_id in result.objects
        }
        record = to_record(result, self.settings.clean)
        self.workspace.write_frame(record, self.run.event_id, prompt_distances=distances)

    def _check_saved(self) -> None:
        try:
            self.workspace.check_event(self.run.event_id)
        except DamagedWorkspaceError as error:
            raise DamagedWorkspaceError(f"{error}; {RECOMPUTE}") from error

    def _check_gapless(self, begin: int, next_frame: int) -> None:
        """Refuse to go on behind frames whose masks are lost, as when an older copy of the workspace was put back."""
        low, high = (next_frame + 1, begin + 1) if self.settings.reverse else (begin, next_frame)
        indices = self.workspace.frame_indices()
        present = int(((indices >= low) & (indices < high) & (indices % self.settings.stride == 0)).sum())
        expected = len(range(low + -low % self.settings.stride, high, self.settings.stride))
        if present < expected:
            raise DamagedWorkspaceError(
                f"{self.workspace.path} holds {present} of the {expected} frames that were tracked before frame "
                f"{next_frame}; {RECOMPUTE}"
            )

    def _reopened(self, network: Network, source: VideoSource, options: dict[str, Any]) -> VideoSession:
        try:
            return VideoSession.reopen(network, source, self.folder, policy=self.settings.policy, **options)
        except OutputError as error:
            raise DamagedWorkspaceError(f"the run cannot go on: {error}; or {RECOMPUTE}") from error
