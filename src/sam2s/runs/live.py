"""Tracking a camera or stream: nothing can be read twice, so nothing can be resumed."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial

import numpy as np

from sam2s.errors import OutputError
from sam2s.formats import outputs
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.overlay_video import LiveOverlay
from sam2s.model import Network
from sam2s.runs.judge_file import note_events
from sam2s.runs.loop import FrameLoop
from sam2s.runs.settings import RunSettings
from sam2s.session.replay import Judge
from sam2s.tracking import FrameResult, Tracker
from sam2s.video import VideoSource, VideoWriter
from sam2s.workspace import RunRecord, RunState, Workspace, prompt_distance, to_record


class LiveLoop(FrameLoop):
    """One pass over what arrives; see `FrameLoop`."""

    resumed_at = None

    def __init__(
        self,
        settings: RunSettings,
        network: Network,
        source: VideoSource,
        workspace: Workspace,
        run: RunRecord,
        judged: Judge | None = None,
    ) -> None:
        if len(workspace.frame_indices()):
            raise OutputError(
                f"{workspace.folder} holds masks of an earlier recording; give another --out or --overwrite"
            )
        self.settings, self.source, self.workspace, self.run = settings, source, workspace, run
        self.judged = judged or (lambda frame: True)
        self.overlay: LiveOverlay | None = None
        if "overlay" in settings.exports:
            path = outputs.claim(workspace.folder, "overlay")
            writer = partial(VideoWriter, pixel_aspect=source.pixel_aspect)
            self.overlay = LiveOverlay(path, ExportInfo.of(workspace), writer)
        self.tracker = Tracker(network, settings.policy, batched=settings.batched)
        self.monitor = settings.monitor(network)
        self.prompted: dict[int, list[int]] = {}
        self.frames = 0
        self.spent = array("d")  # milliseconds by frame
        self.total = None if settings.stop is None else -(-(settings.stop - settings.start) // settings.stride)

    def results(self) -> Iterator[FrameResult]:
        """Track what arrives; a prompt is for its frame, or the first one after it that is looked at."""
        waiting = sorted(self.settings.prompts, key=lambda entry: entry.frame)
        frames = self.source.frames(self.settings.start, self.settings.stop, self.settings.stride)
        with closing(frames), closing(self.overlay) if self.overlay else nullcontext():  # type: ignore[type-var]
            for frame in frames:
                while waiting and waiting[0].frame <= frame.index:
                    entry = waiting.pop(0)
                    self.tracker.add_prompt(object_id=entry.object_id, prompt=entry.prompt)
                    self.prompted.setdefault(entry.object_id, []).append(frame.index)
                arrived = getattr(self.source, "arrived", None) or time.perf_counter()
                judged = self.judged(frame)
                result = self.tracker.step(frame, judged=judged)
                if judged and result.objects:
                    features = self.tracker.context(frame, self.tracker.time).features
                    result = self.monitor.observe(frame, result, features)
                if self.overlay:
                    self.overlay.write(frame, result, self.settings.clean)
                yield result
                self.spent.append(1000 * (time.perf_counter() - arrived))

    def writing(self) -> AbstractContextManager[Callable[[FrameResult], None]]:
        """Take results to the disk at once: a frame counts as done when its masks are written."""
        return nullcontext(self._write)

    def checkpoint(self) -> None:
        """Make what was written durable; a stream has no way back."""
        self.workspace.runs.save(self.run.run_id, RunState.TRACKING, self.frames)

    def finish(self) -> None:
        """Note that the stream has ended."""
        note_events(self.workspace, self.judged)
        self.workspace.runs.save(self.run.run_id, RunState.FINISHED, self.frames)

    def latency(self) -> dict[str, float] | None:
        """Milliseconds from a frame's arrival to its written masks that 50, 95 and 99 % kept to."""
        if not self.spent:
            return None
        return {f"p{share}": round(float(np.percentile(self.spent, share)), 1) for share in (50, 95, 99)}

    def _write(self, result: FrameResult) -> None:
        distances = {
            object_id: prompt_distance(result.index, self.prompted.get(object_id, ()), reverse=False)
            for object_id in result.objects
        }
        record = to_record(result, self.settings.clean)
        self.workspace.write_frame(record, self.run.event_id, prompt_distances=distances)
        self.frames += 1
