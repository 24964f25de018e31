"""Score the masks of many videos against the truth, on all cores, a few frames at a time."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sam2s.errors import DatasetError
from sam2s.evaluation.maskjson import read_json, read_sav
from sam2s.evaluation.maskset import FrameRegions, ObjectMasks, VideoMasks, read_folder
from sam2s.evaluation.processes import ProgressCallback
from sam2s.evaluation.region import exclude
from sam2s.evaluation.rules import Layout, Missing, Rules
from sam2s.evaluation.sequence import FrameScore, ObjectScore, assemble, score_frame
from sam2s.processes import worker_pool

_CHUNK = 8  # frames a task: small enough to fill all cores to the end, large enough to hide the sending

FrameTask = tuple[int, list[str]]
FrameScores = dict[int, FrameScore]


@dataclass(frozen=True)
class Pair:
    """A video of the truth and what the prediction has for it (None: nothing)."""

    name: str
    gt: VideoMasks
    pred: VideoMasks | None

    @property
    def subset(self) -> str:
        """The part of the name above the last slash, empty without one."""
        return self.name.rpartition("/")[0]

    def measure(self, key: str, rules: Rules) -> FrameScores:
        """Measure one frame; what the prediction lacks is empty."""
        gt = self.gt.read(key)
        pred = self.pred.read(key) if self.pred else FrameRegions({}, None)
        if gt.size and pred.size and gt.size != pred.size:
            raise DatasetError(
                f"{self.name}, frame {key}: prediction is {pred.size[1]}x{pred.size[0]}, "
                f"truth {gt.size[1]}x{gt.size[0]}; write the masks at the size of the source frames"
            )
        predicted = pred.regions
        if gt.void is not None:
            decided = {object_id: exclude(region, gt.void) for object_id, region in predicted.items()}
            predicted = {object_id: region for object_id, region in decided.items() if region is not None}
        return score_frame(predicted, gt.regions, gt.size or pred.size or (1, 1), tolerance=rules.tolerance)

    def missing(self) -> int:
        """How many masks of annotated frames the prediction lacks."""
        if self.pred is None:
            return len(self.gt.frames)
        if self.gt.by_object is None or self.pred.by_object is None:
            return len(set(self.gt.frames) - set(self.pred.frames))
        have = self.pred.by_object
        return sum(
            len(frames.keys() - have.get(object_id, {}).keys()) for object_id, frames in self.gt.by_object.items()
        )


@dataclass(frozen=True)
class MaskComparison:
    """All that was measured, and all that was not as it should be.

    Attributes:
        scores: one entry an object of the truth.
        rules: what was counted.
        missing_videos: videos that the prediction lacks; with `Missing.EMPTY` they are counted as predicted empty.
        missing_masks: by video, how many annotated frames (or objects' masks, in SA-V) the prediction lacks; the same.
        extra_videos: videos of the prediction that the truth lacks; not counted.
        extra_objects: by video, ids that only the prediction shows on annotated frames; not counted.
        predicted_frames: by video, the keys of all predicted frames, in time order.
        partial: by subset of SA-SV, what the built set that the truth is part of lacks of it.
    """

    scores: list[ObjectScore]
    rules: Rules
    missing_videos: list[str] = field(default_factory=list)
    missing_masks: dict[str, int] = field(default_factory=dict)
    extra_videos: list[str] = field(default_factory=list)
    extra_objects: dict[str, list[int]] = field(default_factory=dict)
    predicted_frames: dict[str, tuple[str, ...]] = field(default_factory=dict)
    partial: dict[str, str] = field(default_factory=dict)

    @property
    def uncounted(self) -> list[ObjectScore]:
        """Objects of which the rules leave no frame to count."""
        return [score for score in self.scores if not score.frame_scores]


def open_masks(
    path: Path,
    layout: Layout = Layout.AUTO,
    truth: Path | None = None,
    void: int | Literal["auto"] | None = None,
) -> dict[str, VideoMasks]:
    """Open a folder of pictures of masks, a JSON file, or a folder of SA-V's JSON files as videos by name.

    Args:
        path: the folder or file.
        layout: how folders are to be read.
        truth: for a bare list of results, the file whose `videos` or `images` the results refer to.
        void: in label maps, the value of pixels that nobody decided; "auto": 255, in a video that has other ids too.

    Raises:
        DatasetError: there is nothing to read, or it is not of a form that is known.
    """
    if not path.exists():
        raise DatasetError(f"{path} does not exist: give a folder of masks or a .json file")
    if path.is_dir():
        return read_sav(path) or read_folder(path, layout, void)
    return read_json(path, truth)


def compare(
    pred: Path,
    gt: Path,
    *,
    rules: Rules = Rules(),  # noqa: B008 (frozen)
    layout: Layout = Layout.AUTO,
    videos: tuple[str, ...] = (),
    workers: int | None = None,
    report_progress: ProgressCallback | None = None,
) -> MaskComparison:
    """Score predicted masks against the truth.

    Args:
        pred: folder or JSON file of predicted masks.
        gt: folder or JSON file of the truth; what it has no mask for is not annotated and not counted.
        rules: what counts.
        layout: how folders are to be read.
        videos: names or patterns (`EndoVis17/*`) of the videos of the truth to score; all without any.
        workers: processes; all cores by default, 1 stays in this one.
        report_progress: called with the number of frames done, of all, and the video.

    Raises:
        DatasetError: masks cannot be read, differ in size, or are missing and `rules.missing` is `error`.
    """
    truth = open_masks(gt, layout, void=rules.void)
    if layout is Layout.AUTO and any(isinstance(video, ObjectMasks) for video in truth.values()):
        layout = Layout.OBJECTS  # a prediction may lack the first object, by which the layout is told
    pairs, extra = pair_up(truth, open_masks(pred, layout, truth=gt))
    if videos:
        pairs = [pair for pair in pairs if any(fnmatchcase(pair.name, pattern) for pattern in videos)]
        if not pairs:
            raise DatasetError(f"no video of {gt} is called {' or '.join(videos)}; there are {_some(list(truth))}")
    missing = {pair.name: pair.missing() for pair in pairs if pair.missing()}
    lost = [pair.name for pair in pairs if pair.pred is None]
    if missing and rules.missing is Missing.ERROR:
        counts = [f"{name} ({n})" for name, n in missing.items()]
        what = f"videos {_some(lost)}" if lost else f"masks of annotated frames, by video: {_some(counts)}"
        raise DatasetError(
            f"{pred} lacks {what}; to count them as empty: --missing empty; to score some videos only: --video"
        )
    frame_scores = _measure(pairs, rules, workers or os.cpu_count() or 1, report_progress)
    comparison = MaskComparison([], rules, lost, {name: n for name, n in missing.items() if name not in lost}, extra)
    comparison.predicted_frames.update((pair.name, pair.pred.frames) for pair in pairs if pair.pred)
    for pair, frames in zip(pairs, frame_scores, strict=True):
        scores = assemble(
            pair.name, pair.gt.frames, frames, subset=pair.subset, rules=rules, annotated=pair.gt.by_object
        )
        comparison.scores.extend(scores)
        only = {object_id for frame in frames for object_id in frame} - {score.object_id for score in scores}
        if only:
            comparison.extra_objects[pair.name] = sorted(only)
    if not comparison.scores:
        raise DatasetError(f"{gt} shows no object on any frame, so there is nothing to score; is it the truth?")
    comparison.partial.update(_partial_set(gt))
    return comparison


def _partial_set(gt: Path) -> dict[str, str]:
    """What the built set that holds the truth lacks of the benchmark, by subset; nothing outside of such a set."""
    from sam2s.sasv.masklets import MANIFEST, missing_by_subset, read_manifest

    home = next((folder for folder in (gt, *gt.resolve().parents) if (folder / MANIFEST).is_file()), None)
    if home is None:
        return {}
    try:
        return missing_by_subset(read_manifest(home))
    except DatasetError:  # another program's file of that name
        return {}


def pair_up(gt: Mapping[str, VideoMasks], pred: Mapping[str, VideoMasks]) -> tuple[list[Pair], list[str]]:
    """Pair the videos of truth and prediction by name; also name those that only the prediction has.

    Two single videos always belong together. If no name is in both, folders that all names of a side begin with
    (`Annotations/480p`) are left out.
    """
    if len(gt) == len(pred) == 1:
        return [Pair(next(iter(gt)), next(iter(gt.values())), next(iter(pred.values())))], []
    if not gt.keys() & pred.keys():
        gt, pred = _without_common_folders(gt), _without_common_folders(pred)
    return [Pair(name, video, pred.get(name)) for name, video in gt.items()], [name for name in pred if name not in gt]


def _without_common_folders(videos: Mapping[str, VideoMasks]) -> Mapping[str, VideoMasks]:
    parents = [name.split("/")[:-1] for name in videos]
    differs = (depth for depth, folders in enumerate(zip(*parents, strict=False)) if len(set(folders)) > 1)
    common = next(differs, min(map(len, parents)))
    return {"/".join(name.split("/")[common:]): video for name, video in videos.items()}


def _measure(
    pairs: list[Pair], rules: Rules, workers: int, report_progress: ProgressCallback | None
) -> list[list[FrameScores]]:
    tasks = [
        (number, list(pair.gt.frames[start : start + _CHUNK]))
        for number, pair in enumerate(pairs)
        for start in range(0, len(pair.gt.frames), _CHUNK)
    ]
    total, done = sum(len(keys) for _, keys in tasks), 0
    results: list[list[FrameScores]] = [[] for _ in pairs]
    with _mapping(pairs, rules, min(workers, len(tasks))) as measure_tasks:
        for (number, keys), frames in zip(tasks, measure_tasks(tasks), strict=True):
            results[number].extend(frames)
            done += len(keys)
            if report_progress:
                report_progress(done, total, pairs[number].name)
    return results


@contextmanager
def _mapping(
    pairs: list[Pair], rules: Rules, workers: int
) -> Iterator[Callable[[list[FrameTask]], Iterator[list[FrameScores]]]]:
    """Give a function that measures tasks in order, in this process or in several that hold the pairs already."""
    if workers <= 1:
        yield partial(map, partial(_measure_task, pairs, rules))
        return
    safe_to_fork = sys.platform == "linux" and threading.active_count() == 1
    start: Literal["fork", "spawn"] = "fork" if safe_to_fork else "spawn"
    with worker_pool(workers, initializer=_start_worker, arguments=(pairs, rules), start=start) as pool:
        yield partial(pool.map, _measure_in_process)


_process: dict[str, Any] = {}  # what a worker process was started with


def _start_worker(pairs: list[Pair], rules: Rules) -> None:
    _process.update(pairs=pairs, rules=rules)


def _measure_in_process(task: FrameTask) -> list[FrameScores]:
    return _measure_task(_process["pairs"], _process["rules"], task)


def _measure_task(pairs: list[Pair], rules: Rules, task: FrameTask) -> list[FrameScores]:
    number, keys = task
    return [pairs[number].measure(key, rules) for key in keys]


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
