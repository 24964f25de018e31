"""Predicted IoU out of a table, held against the real one."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.evaluation.diagnostics import calibration_error
from sam2s.evaluation.maskset import frame_key
from sam2s.evaluation.sequence import ObjectScore


def calibration(path: Path, scores: Iterable[ObjectScore]) -> float:
    """Calibration error in percent over the counted frames on which the prediction shows the object.

    Args:
        path: CSV with the columns `frame` (stem of the mask file), `object_id`, `iou` (0 to 1) and, where there are
            several videos, `video`.
        scores: what was measured.

    Raises:
        DatasetError: the table lacks a column, or has no row for any counted frame.
    """
    scores = list(scores)
    names = {score.video for score in scores}
    predicted = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                video = row["video"] if len(names) > 1 else next(iter(names))
                predicted[video, int(row["object_id"]), frame_key(row["frame"])] = float(row["iou"])
    except KeyError as error:
        raise DatasetError(
            f"{path} has no column {error}; it needs frame, object_id, iou, and video if there are several"
        ) from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error
    pairs = [
        (predicted[score.video, score.object_id, name], frame_score.j)
        for score in scores
        for name, frame_score in zip(score.frames, score.frame_scores, strict=True)
        if frame_score.in_pred and (score.video, score.object_id, name) in predicted
    ]
    if not pairs:
        raise DatasetError(f"{path} has no row for any counted frame: `frame` must be the stem of the mask files")
    return 100 * calibration_error([iou for iou, _ in pairs], [j for _, j in pairs])
