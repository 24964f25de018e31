"""One process of an evaluation: tracks a video with each method that is asked for, scores it, writes the result."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import sam2s
from sam2s.device import resolve_device
from sam2s.errors import DatasetError, OutputError, Sam2sError
from sam2s.evaluation import protocols
from sam2s.evaluation.find_method import find_method
from sam2s.evaluation.hardware import hardware
from sam2s.evaluation.method import ClassMethod, LazyFrames, start_all
from sam2s.evaluation.outside import ReadyMasks
from sam2s.evaluation.plan import OURS, EvalRun, EvalSettings
from sam2s.evaluation.probe import ProbeVideo, count_probe
from sam2s.evaluation.record import ObjectClaim, TrackedFrame, VideoRecord
from sam2s.evaluation.result_files import RESULT_FORMAT, error_path, identity, result_path
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.videos import EvalVideo, appearances
from sam2s.files import replacing, write_atomically
from sam2s.masks.palette import MAX_LABEL, encode_label_map, label_map
from sam2s.memory import memory_policy
from sam2s.model import Network
from sam2s.quality import QualityMonitor
from sam2s.tracking.results import FrameResult, ObjectResult, ObjectState


class Worker:
    """Does runs in one process; network and methods are made once."""

    def __init__(
        self,
        settings: EvalSettings,
        out: Path,
        count_frames: Callable[[int], None] = lambda _: None,
        follow: Callable[..., Iterator[FrameResult]] | None = None,
    ) -> None:
        """Remember what all runs share.

        Args:
            settings: what all runs share.
            out: folder for masks and results.
            count_frames: called with the number of frames done since the last call.
            follow: has our network follow the objects of a video; takes and yields what `protocols.track` does,
                which is the default.
        """
        self.settings, self.out, self.count_frames = settings, out, count_frames
        self.follow = follow or protocols.track
        self._counted = 0
        self.method = cache(partial(find_method, missing=settings.missing))
        self.network = cache(self._load)

    def _load(self, weights: str) -> Network:
        s = self.settings
        return sam2s.load(weights, device=s.device, image_size=s.image_size, precision=s.precision)

    def work(self, video: EvalVideo, other: EvalVideo | None, runs: Sequence[EvalRun]) -> str:
        """Do runs over a video; what fails is written down.

        Args:
            video: the video.
            other: another scene, to which the picture changes in the probe of absence.
            runs: the runs.
        """
        video, other = copy.copy(video), copy.copy(other)  # what they cache goes with them
        for run in runs:
            if run.uses_weights:
                _ = self.network(run.weights)  # weights that cannot be loaded are no fault of the video
            failed = error_path(self.out, run, video.name)
            counted = self._counted
            try:
                self._track_and_score(video, other, run)
                failed.unlink(missing_ok=True)
            except OutputError:
                raise
            except Exception as error:  # whatever a broken video or a foreign tracker throws
                kind = "" if isinstance(error, Sam2sError) else f"{type(error).__name__}: "
                write_atomically(failed, f"{kind}{error}\n".encode())
            self._count(frame_count(video) - (self._counted - counted))
        return video.name

    def _count(self, frames: int) -> None:
        self._counted += frames
        self.count_frames(frames)

    def _track_and_score(self, video: EvalVideo, other: EvalVideo | None, run: EvalRun) -> None:
        if too_large := [object_id for object_id in video.objects if object_id > MAX_LABEL]:
            raise DatasetError(
                f"{video.name} has an object {too_large[0]}; masks are written with ids up to {MAX_LABEL}"
            )
        fingerprint, record = video.fingerprint, VideoRecord(video.objects)
        with replacing(self.out / run.folder / "masks" / video.name) as folder:
            folder.mkdir(parents=True)
            tracked_frames = self._track(video, run, record)
            for index, stem in enumerate(video.stems):
                began = time.perf_counter()
                tracked = next(tracked_frames, None)
                took = time.perf_counter() - began
                if tracked is None:
                    raise DatasetError(
                        f"{run.method} gave masks of {index} frames; {video.name} has {len(video.stems)}"
                    )
                record.add_time(took, timed=tracked.timed)
                truth = video.truth(index)
                _check_sizes(video, stem, (*tracked.masks.items(), *truth.items()))
                labels = label_map(tracked.masks, video.source.size)
                (folder / f"{stem}.png").write_bytes(encode_label_map(labels))
                if truth:
                    record.add_frame(index, stem, tracked.without(video.void(index)), truth, video.source.size)
                self._count(1)
        document = {
            "format": RESULT_FORMAT,
            "video": fingerprint,
            "settings": identity(run, self.settings),
            "image_size": self.network(run.weights).image_size if run.uses_weights else None,
            "subsets": dict(video.objects),
            "categories": {i: name for i, name in video.categories.items() if i in video.objects},
            "known_categories": self._known_categories(run),
            "hardware": hardware(resolve_device(self.settings.device)),
            "frames": len(video.stems),
            "probes": self._probe(video, other, run),
            **record.as_dict(),
        }
        write_atomically(result_path(self.out, run, video.name), json.dumps(document).encode())

    def _known_categories(self, run: EvalRun) -> list[str]:
        """The names that our network can give."""
        return list(self.network(run.weights).config.categories) if run.method == OURS else []

    def _probe(self, video: EvalVideo, other: EvalVideo | None, run: EvalRun) -> dict[str, Any]:
        """Answers to black frames and to those of another scene; none of a program that is started once a video."""
        if not self.settings.probe or (run.method != OURS and not isinstance(self.method(run.method), ClassMethod)):
            return {}
        start = min(appearances(video).values(), default=None)
        if start is None:
            return {}
        protocol = Prompting.CLICK_3 if run.prompt.interactive else run.prompt
        probes = {"black": ProbeVideo(video, start)}
        counts: dict[str, Any] = {}
        if other:
            with suppress(Sam2sError, OSError):  # the other video may be damaged, which is no fault of this one
                probe = ProbeVideo(video, start, other)
                _ = probe.source
                probes["other"], counts["scene"] = probe, other.name
        for name, probe in probes.items():
            tracked = self._track(probe, replace(run, prompt=protocol), VideoRecord(probe.objects))
            counts[name] = count_probe(tracked, probe.objects)._asdict()
        return counts

    def _track(self, video: EvalVideo, run: EvalRun, record: VideoRecord) -> Iterator[TrackedFrame]:
        if run.method == OURS:
            policy = memory_policy(run.memory, iou_threshold=self.settings.confidence)
            network = self.network(run.weights)
            results = self.follow(
                network,
                policy,
                video,
                run.prompt,
                self.settings.rounds,
                record.interactions,
                record.observe_memory,
                self.settings.events,
                QualityMonitor(network),
                self.settings.batched,
            )
            for result in results:
                record.frames_read += 1
                objects = result.objects
                timed = bool(objects) and not any(item.prompted for item in objects.values())
                claims = {i: _claim(item) for i, item in objects.items()}
                yield TrackedFrame({i: o.mask for i, o in objects.items()}, claims, timed)
            return
        method, frames, looked_ahead = self.method(run.method), LazyFrames(video.source), False
        if isinstance(method, ReadyMasks):
            first = appearances(video)
            for index, masks in enumerate(method.track_video(video, frames, {}, record.notes)):
                begun = {i: masks[i] for i, t in first.items() if i in masks and t <= index}
                yield TrackedFrame(begun, {}, timed=False)
            return
        starts = start_all(lambda: self.network(run.weights), video, run.prompt, record.interactions)
        begins = {start.frame for start in starts.values()}
        for index, masks in enumerate(method.track_video(video, frames, starts, record.notes)):
            looked_ahead = looked_ahead or frames.last_read > index
            watched = frames.last_read == index and not looked_ahead
            timed = watched and index > min(begins, default=index) and index not in begins
            record.frames_read = frames.last_read + 1
            yield TrackedFrame({i: masks[i] for i, s in starts.items() if i in masks and s.frame <= index}, {}, timed)


def _claim(item: ObjectResult) -> ObjectClaim:
    """What our tracker says of an object."""
    claim = ObjectClaim(item.iou, item.presence, item.state is ObjectState.VISIBLE, item.category)
    if item.quality is None:
        return claim
    return claim._replace(
        expected_iou=item.quality.expected_iou, doubt=item.quality.doubt, alarms=len(item.quality.alarms)
    )


def frame_count(video: EvalVideo) -> int:
    """Number of frames of a video; 0 where it cannot be opened, which is said when it is tracked."""
    try:
        return len(video.stems)
    except (Sam2sError, OSError):
        return 0


def _check_sizes(video: EvalVideo, stem: str, masks: Iterable[tuple[int, np.ndarray]]) -> None:
    height, width = video.source.size
    for object_id, mask in masks:
        if mask.shape != (height, width):
            size = "x".join(map(str, reversed(mask.shape)))
            raise DatasetError(
                f"{video.name}, frame {stem}, object {object_id}: mask of {size}, frame of {width}x{height}"
            )
