"""Where the time of a frame goes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from sam2s.bench.film import clicks
from sam2s.bench.memory import forget_peak, peak_mib
from sam2s.memory import MemoryPolicy
from sam2s.model import SAM2S
from sam2s.session import VideoSession
from sam2s.tracking import Points, Tracker
from sam2s.tracking.feature_prefetch import ON_GPU
from sam2s.tracking.settings import Batching
from sam2s.video import open_source
from sam2s.workspace import to_record

WARM_UP = 5
"""Frames not counted: caches, kernels and memories fill."""
STAGES = {
    "encode_image": "encode",
    "attend": "attend",
    "attend_slots": "attend",
    "decode": "decode mask",
    "encode_memory": "remember",
}
ORDER = ("decode", *dict.fromkeys(STAGES.values()), "rest", "write")


class Stopwatch:
    """A network whose methods are timed; in all else the network itself."""

    def __init__(self, model: SAM2S) -> None:
        self._model = model
        self.spent: dict[str, float] = defaultdict(float)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._model, name)
        return self._timed(STAGES[name], value) if name in STAGES else value

    def _timed(self, stage: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            began = now(self._model)
            result = method(*args, **kwargs)
            self.spent[stage] += now(self._model) - began
            return result

        return call


@dataclass(frozen=True)
class TrackingTimes:
    """One number of objects.

    Attributes:
        objects: how many.
        offline_fps: frames a second through a session, reading and encoding ahead, masks packed as they are stored.
        live_ms: milliseconds from each decoded frame to its masks at source size, in order, warm-up left out.
        stages: milliseconds a frame by stage, each finished before the next begins.
        peak_mib: most memory used: of the device on a GPU, else of the process.
    """

    objects: int
    offline_fps: float
    live_ms: list[float]
    stages: dict[str, float]
    peak_mib: int

    @property
    def live_fps(self) -> float:
        """Frames a second one after another."""
        return 1000 / float(np.mean(self.live_ms))

    def percentile(self, share: int) -> float:
        """Milliseconds within which this share of frames, in percent, had their masks."""
        return float(np.percentile(self.live_ms, share))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "objects": self.objects,
            "offline_fps": round(self.offline_fps, 2),
            "live_fps": round(self.live_fps, 2),
            **{f"p{share}_ms": round(self.percentile(share), 2) for share in (50, 95, 99)},
            "stages_ms": {stage: round(spent, 3) for stage, spent in self.stages.items()},
            "peak_mib": self.peak_mib,
            "live_ms": [round(spent, 2) for spent in self.live_ms],
        }


def measure(
    model: SAM2S,
    path: Path,
    objects: int,
    policy: MemoryPolicy | None = None,
    batched: Batching = "auto",
) -> TrackingTimes:
    """Track a video file with one click an object: offline, live, and once more with a stopwatch in every stage.

    Policy and batching are as in `Tracker`. Stages inside of what is recorded as a CUDA graph count as the rest.
    """
    asked: dict[str, Any] = {"policy": policy, "batched": batched}
    forget_peak(model.device)
    return TrackingTimes(
        objects,
        _offline(model, path, objects, asked),
        [1000 * spent for spent in _live(model, path, objects, asked)],
        _stages(model, path, objects, asked),
        peak_mib(model.device),
    )


def _offline(model: SAM2S, path: Path, objects: int, asked: dict[str, Any]) -> float:
    with closing(open_source(path)) as source, VideoSession(model, source, **asked) as session:
        for number, point in enumerate(clicks(objects, *source.size)):
            session.add_prompt(frame=0, object_id=number + 1, prompt=Points([point]))
        for _ in session.propagate(stop=ON_GPU):  # a whole batch, so that nothing is compiled later
            pass
        began, count = now(model), 0  # before anything is read or encoded ahead
        with ThreadPoolExecutor(1) as writer:
            for result in session.propagate():
                writer.submit(to_record, result)
                count += 1
        return count / (now(model) - began)


def _live(model: SAM2S, path: Path, objects: int, asked: dict[str, Any]) -> Iterator[float]:
    tracker = Tracker(model, **asked)
    with closing(open_source(path)) as source:
        for number, point in enumerate(clicks(objects, *source.size)):
            tracker.add_prompt(object_id=number + 1, prompt=Points([point]))
        for frame in source.frames():
            began = now(model)
            result = tracker.step(frame)
            for found in result.objects.values():
                found.mask  # noqa: B018 (made on first use)
            if frame.index >= WARM_UP:
                yield now(model) - began


def _stages(model: SAM2S, path: Path, objects: int, asked: dict[str, Any]) -> dict[str, float]:
    watch = Stopwatch(model)
    tracker = Tracker(cast(SAM2S, watch), **asked)
    spent = dict.fromkeys(ORDER, 0.0)
    with closing(open_source(path)) as source:
        for number, point in enumerate(clicks(objects, *source.size)):
            tracker.add_prompt(object_id=number + 1, prompt=Points([point]))
        count, frames = 0, source.frames()
        times = [now(model)]
        for frame in frames:
            times.append(now(model))
            watch.spent.clear()
            result = tracker.step(frame)
            times.append(now(model))
            to_record(result)
            times.append(now(model))
            if frame.index >= WARM_UP:
                decoded, tracked, written = np.diff(times)
                count += 1
                spent["decode"] += decoded
                spent["rest"] += tracked - sum(watch.spent.values())
                spent["write"] += written
                for stage, seconds in watch.spent.items():
                    spent[stage] += seconds
            times = [now(model)]
    return {stage: 1000 * seconds / max(1, count) for stage, seconds in spent.items()}


def now(model: SAM2S) -> float:
    """The clock, after all that the device was asked to do."""
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
    elif model.device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()
