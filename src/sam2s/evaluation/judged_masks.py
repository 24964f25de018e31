"""Masks of videos whose truth is known, with the features they are judged by: what a quality model is fitted on.

Tracking is the dear part, so that what it found is kept in one file a video: fitting and measuring again cost nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sam2s.errors import DatasetError
from sam2s.evaluation.measures import jaccard
from sam2s.evaluation.protocols import first_prompt
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.videos import EvalVideo, appearances
from sam2s.files import replacing
from sam2s.model import Network
from sam2s.quality import BLANK_MODEL, EMPTY, SEEN, LabelledMasks, QualityMonitor
from sam2s.tracking import Tracker
from sam2s.tracking.feature_prefetch import encode

KINDS = (Prompting.CLICK_1, Prompting.BOX, Prompting.MASK)
"""How objects are shown, each as if alone."""
WIDTH = max(len(SEEN), len(EMPTY))
ROW = np.dtype(
    [
        *(("video", np.int32), ("kind", np.int8), ("object", np.int32), ("frame", np.int32), ("empty", bool)),
        *(("iou", np.float64), ("predicted", np.float64), ("score", np.float64), ("there", bool)),
        ("features", np.float64, (WIDTH,)),
    ]
)
"""One tracked mask: the video by number, the prompt by its place in `KINDS`, whether the mask is empty, its true IoU,
the predicted one, the object score, whether the object is there in truth, the features."""


@dataclass(slots=True)
class _PromptedRun:
    """One way to show the objects of a video."""

    kind: Prompting
    tracker: Tracker
    monitor: QualityMonitor


def judged_masks(
    network: Network,
    videos: Sequence[EvalVideo],
    *,
    cache: Path | None = None,
    stride: int = 1,
    report_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> np.ndarray:
    """Track all objects of videos from their first appearance, shown by a click, a box and a mask; rows `ROW`.

    Frames with prompts are left out, since a person looks at them anyway, and frames without truth.

    Args:
        network: the network.
        videos: with their truth.
        cache: folder for what was found, by network, video and stride.
        stride: only frames whose index is a multiple of this are looked at.
        report_progress: told the frames done, and the frames in all.
    """
    total, done = sum(-(-len(video.stems) // stride) for video in videos), 0
    digest, tables = network.digest(), []
    for number, video in enumerate(videos):
        path = None if cache is None else cache / f"{_key(digest, video, stride)}.npy"
        rows = None if path is None else _cached(path)
        if rows is None:
            rows = np.array(list(_track(network, video, stride)), ROW)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path) as partial, partial.open("wb") as file:
                    np.save(file, rows)
        rows["video"] = number
        tables.append(rows)
        done += -(-len(video.stems) // stride)
        report_progress(done, total)
    return np.concatenate(tables) if tables else np.zeros(0, ROW)


def labelled(rows: np.ndarray) -> tuple[LabelledMasks, LabelledMasks]:
    """Rows as a quality model is fitted on them: masks that show something, and empty ones."""
    return _labelled(rows[~rows["empty"]], len(SEEN)), _labelled(rows[rows["empty"]], len(EMPTY))


def _labelled(rows: np.ndarray, width: int) -> LabelledMasks:
    return LabelledMasks(rows["features"][:, :width], rows["iou"], rows["video"].astype(np.int64))


def _key(digest: str, video: EvalVideo, stride: int) -> str:
    return hashlib.sha256(repr((digest, video.fingerprint, stride, SEEN, EMPTY)).encode()).hexdigest()[:24]


def _cached(path: Path) -> np.ndarray | None:
    if not path.is_file():
        return None
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is damaged ({error}); delete it, and its video is tracked again") from error
    if rows.dtype != ROW:
        raise DatasetError(f"{path} was written by another sam2s; delete it, and its video is tracked again")
    return np.asarray(rows)


@torch.inference_mode()
def _track(network: Network, video: EvalVideo, stride: int) -> Iterable[tuple[object, ...]]:
    starts = {i: -(-start // stride) * stride for i, start in appearances(video).items()}
    found: dict[tuple[int, int], tuple[np.ndarray, bool]] = {}

    def note(frame: int, object_id: int, row: np.ndarray, empty: bool) -> None:
        found[frame, object_id] = np.pad(row, (0, WIDTH - len(row))), empty

    runs = [
        _PromptedRun(kind, Tracker(network), QualityMonitor(network, BLANK_MODEL, on_features=note)) for kind in KINDS
    ]
    for frame in video.source.frames(0, None, stride):
        truth = video.truth(frame.index)
        new = [i for i, start in starts.items() if start == frame.index and i in truth and truth[i].any()]
        if not new and not runs[0].tracker.tracks:
            continue
        features = encode(network, [frame])
        for place, run in enumerate(runs):
            for object_id in new:
                prompt = first_prompt(run.kind, truth[object_id], network.image_size)
                run.tracker.add_prompt(object_id=object_id, prompt=prompt)
            result = run.tracker.step(frame, frame.index // stride, features)
            run.monitor.observe(frame, result, features)
            for object_id, item in result.objects.items():
                if object_id not in truth or item.prompted:
                    continue
                row, empty = found[frame.index, object_id]
                iou = jaccard(item.mask, truth[object_id])
                score = float(np.log(max(item.presence, 1e-7) / max(1 - item.presence, 1e-7)))
                there = bool(truth[object_id].any())
                yield (0, place, object_id, frame.index, empty, iou, item.iou, score, there, row)
