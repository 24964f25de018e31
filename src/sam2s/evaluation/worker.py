"""One process of an evaluation: tracks a video with each method that is asked for, scores it, writes the result."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

import sam2s
from sam2s.device import resolve_device
from sam2s.errors import DatasetError, OutputError, Sam2sError
from sam2s.evaluation import protocols
from sam2s.evaluation.hardware import hardware
from sam2s.evaluation.method import CommandMethod, LazyFrames, Method, find_method, start_all
from sam2s.evaluation.plan import OURS, EvalRun, EvalSettings
from sam2s.evaluation.result_files import error_path, identity, result_path
from sam2s.evaluation.sequence import ABSENT, FrameScore, score_frame, to_regions
from sam2s.evaluation.videos import EvalVideo
from sam2s.files import replacing, write_atomically
from sam2s.masks.palette import MAX_LABEL, encode_label_map, label_map
from sam2s.memory import MemoryPolicy
from sam2s.model import Network


class TrackedFrame(NamedTuple):
    """A tracker's answer to a frame: masks, predicted IoU where it has one, whether the frame counts for speed."""

    masks: dict[int, np.ndarray]
    ious: dict[int, float]
    timed: bool


class VideoRecord:
    """What is measured on one video, frame by frame."""

    def __init__(self, objects: Iterable[int]) -> None:
        self.names: list[str] = []
        self.frame_scores: list[dict[int, FrameScore]] = []
        self.annotated: dict[int, list[str]] = {object_id: [] for object_id in objects}
        self.ious: dict[int, list[float | None]] = {object_id: [] for object_id in self.annotated}
        self.seconds = 0.0
        self.latency: list[float] = []
        self.interactions = protocols.InteractionLog()

    def add_time(self, seconds: float, *, timed: bool) -> None:
        """Note how long a frame took, and whether it counts for the percentiles."""
        self.seconds += seconds
        if timed:
            self.latency.append(round(1000 * seconds, 3))

    def add_frame(self, name: str, tracked: TrackedFrame, truth: dict[int, np.ndarray], size: tuple[int, int]) -> None:
        """Score an annotated frame."""
        scores = score_frame(to_regions(tracked.masks), to_regions(truth), size)
        self.frame_scores.append({object_id: scores.get(object_id, ABSENT) for object_id in truth})
        self.names.append(name)
        for object_id in truth:
            self.annotated[object_id].append(name)
            self.ious[object_id].append(tracked.ious.get(object_id))


class Worker:
    """Does runs in one process; network and methods are made once."""

    def __init__(self, settings: EvalSettings, out: Path) -> None:
        self.settings, self.out = settings, out
        self.method = cache(find_method)

    @cached_property
    def model(self) -> Network:
        """The network."""
        s = self.settings
        return sam2s.load(s.weights, device=s.device, image_size=s.image_size, precision=s.precision)

    def work(self, video: EvalVideo, runs: Sequence[EvalRun]) -> str:
        """Do runs over a video; what fails is written down."""
        video = copy.copy(video)  # what it caches goes with it
        for run in runs:
            if run.uses_weights:
                _ = self.model  # weights that cannot be loaded are no fault of the video
            failed = error_path(self.out, run, video.name)
            try:
                self._track_and_score(video, run)
                failed.unlink(missing_ok=True)
            except OutputError:
                raise
            except Exception as error:  # whatever a broken video or a foreign tracker throws
                kind = "" if isinstance(error, Sam2sError) else f"{type(error).__name__}: "
                write_atomically(failed, f"{kind}{error}\n".encode())
        return video.name

    def _track_and_score(self, video: EvalVideo, run: EvalRun) -> None:
        if too_large := [object_id for object_id in video.objects if object_id > MAX_LABEL]:
            raise DatasetError(
                f"{video.name} has an object {too_large[0]}; masks are written with ids up to {MAX_LABEL}"
            )
        fingerprint, record = video.fingerprint, VideoRecord(video.objects)
        with replacing(self.out / run.folder / "masks" / video.name) as folder:
            folder.mkdir(parents=True)
            tracked_frames = self._track(video, run, record.interactions)
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
                    record.add_frame(stem, tracked, truth, video.source.size)
        document = {
            "video": fingerprint,
            "settings": identity(run, self.settings),
            "image_size": self.model.image_size if run.uses_weights else None,
            "subsets": dict(video.objects),
            "names": record.names,
            "annotated": record.annotated,
            "frame_scores": record.frame_scores,
            "predicted_iou": record.ious,
            "clicks": record.interactions.clicks,
            "j_by_click": record.interactions.first,
            "hardware": hardware(resolve_device(self.settings.device)),
            "frames": len(video.stems),
            "seconds": round(record.seconds, 4),
            "latency_ms": record.latency,
        }
        write_atomically(result_path(self.out, run, video.name), json.dumps(document).encode())

    def _track(self, video: EvalVideo, run: EvalRun, interactions: protocols.InteractionLog) -> Iterator[TrackedFrame]:
        if run.method == OURS:
            policy = MemoryPolicy(kind=run.memory, iou_threshold=self.settings.confidence)
            for result in protocols.track(self.model, policy, video, run.prompt, self.settings.rounds, interactions):
                objects = result.objects
                timed = bool(objects) and not any(item.prompted for item in objects.values())
                yield TrackedFrame(
                    {i: o.mask for i, o in objects.items()}, {i: o.iou for i, o in objects.items()}, timed
                )
            return
        method: Method = self.method(run.method)
        starts = start_all(lambda: self.model, video, run.prompt, interactions)
        begins = {start.frame for start in starts.values()}
        for index, masks in enumerate(method.track(LazyFrames(video.source), starts)):
            timed = index > min(begins, default=index) and index not in begins
            timed = timed and not isinstance(method, CommandMethod)
            yield TrackedFrame({i: masks[i] for i, s in starts.items() if i in masks and s.frame <= index}, {}, timed)


def _check_sizes(video: EvalVideo, stem: str, masks: Iterable[tuple[int, np.ndarray]]) -> None:
    height, width = video.source.size
    for object_id, mask in masks:
        if mask.shape != (height, width):
            size = "x".join(map(str, reversed(mask.shape)))
            raise DatasetError(
                f"{video.name}, frame {stem}, object {object_id}: mask of {size}, frame of {width}x{height}"
            )
