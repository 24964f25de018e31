"""Predicted IoU out of a table, held against the real one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.evaluation.maskset import frame_key
from sam2s.evaluation.sequence import ObjectScore
from sam2s.quality.figures import expected_calibration_error

_Rows = dict[tuple[int, str], float]  # predicted IoU by object and frame


def calibration(path: Path, scores: Iterable[ObjectScore], frames: Mapping[str, Sequence[str]] | None = None) -> float:
    """Calibration error in percent over the counted frames on which the prediction shows the object.

    Args:
        path: CSV with the columns `frame` (stem of the mask file, or number of the frame, counted from 0, as `sam2s
            track` writes it), `object_id`, `iou` (0 to 1) and, where there are several videos, `video`.
        scores: what was measured.
        frames: by video, the keys of all predicted frames in order, by which numbers of frames are told.

    Raises:
        DatasetError: the table lacks a column, has a row that cannot be read, or none for any counted frame.
    """
    scores = list(scores)
    names = {score.video for score in scores}
    rows = _read(path, names)
    by_video = {video: _by_name(path, rows.get(video, {}), (frames or {}).get(video, ())) for video in names}
    pairs = [
        (by_video[score.video][score.object_id, name], frame_score.j)
        for score in scores
        for name, frame_score in zip(score.frames, score.frame_scores, strict=True)
        if frame_score.in_pred and (score.object_id, name) in by_video[score.video]
    ]
    if not pairs:
        raise DatasetError(
            f"{path} has no row for any counted frame: `frame` must be the stem of the mask files, or the number of "
            "the frame, and `object_id` the number in the masks"
        )
    return 100 * expected_calibration_error([iou for iou, _ in pairs], [j for _, j in pairs])


def _read(path: Path, names: set[str]) -> dict[str, _Rows]:
    rows: dict[str, _Rows] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            wanted = ["frame", "object_id", "iou", *(["video"] if len(names) > 1 else [])]
            if missing := [name for name in wanted if name not in (table.fieldnames or ())]:
                raise DatasetError(
                    f"{path} has no column {missing[0]!r}; it needs frame, object_id, iou, and video if there are "
                    "several"
                )
            for line in table:
                if not line["iou"]:
                    continue  # no prediction on this frame
                video = line["video"] if len(names) > 1 else next(iter(names))
                try:
                    key = int(line["object_id"]), frame_key(line["frame"])
                    rows.setdefault(video, {})[key] = float(line["iou"])
                except (TypeError, ValueError, AttributeError) as error:
                    raise DatasetError(
                        f"{path}, line {table.line_num}: {error}; object_id is a whole number, iou one from 0 to 1"
                    ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error
    return rows


def _by_name(path: Path, rows: _Rows, frames: Sequence[str]) -> _Rows:
    """Turn numbers of frames into their names, where the table has numbers that are no names."""
    known = set(frames)
    used = {frame for _, frame in rows}
    if not frames or used <= known:
        return rows
    if all(frame.isdecimal() and int(frame) < len(frames) for frame in used):
        return {(object_id, frames[int(frame)]): iou for (object_id, frame), iou in rows.items()}
    stray = sorted(frame for frame in used - known if not frame.isdecimal() or int(frame) >= len(frames))[0]
    raise DatasetError(
        f"{path} has a row of frame {stray}, which is neither the name of a predicted mask (such as {frames[0]}) nor a "
        f"number below {len(frames)}"
    )
