"""Figures of a quality model on masks whose truth is known, by the prompt that showed the object."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from sam2s.evaluation.judged_masks import KINDS
from sam2s.evaluation.markdown_table import number
from sam2s.evaluation.markdown_table import table as markdown
from sam2s.quality import EMPTY, SEEN, QualityModel
from sam2s.quality.alarms import raise_alarms
from sam2s.quality.figures import BAD, false_alarms, quality_figures
from sam2s.tracking import Alarm

DOUBTFUL = 0.5
"""Doubt from which a mask counts as called bad."""
COLUMNS = ("prompt", "masks", "bad", "error", "AUROC", "caught in 10 %", "at most", "false alarms/h", "false doubt/h")


def judge_rows(model: QualityModel, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected IoU [N] and doubt [N] of rows of `judged_masks`."""
    expected, doubt = np.zeros(len(rows)), np.zeros(len(rows))
    for empty, head, names in ((False, model.seen, SEEN), (True, model.empty, EMPTY)):
        chosen = rows["empty"] == empty
        if chosen.any():
            expected[chosen], doubt[chosen] = head.judge(rows["features"][chosen][:, : len(names)])
    return expected, doubt


def alarm_rows(model: QualityModel, rows: np.ndarray) -> np.ndarray:
    """Whether each row raises any alarm, bool [N]; rows of one object come in the order of frames."""
    raised = np.zeros(len(rows), bool)
    streaks: dict[tuple[int, ...], dict[str, int]] = {}
    for place, row in enumerate(rows):
        key = int(row["video"]), int(row["kind"]), int(row["object"])
        empty = bool(row["empty"])
        names = EMPTY if empty else SEEN
        values = dict(zip(names, row["features"][: len(names)].tolist(), strict=True))
        alarms, streaks[key] = raise_alarms(model.limits, values, streaks.get(key, {}), empty=empty)
        raised[place] = bool(set(alarms) - {Alarm.PROMPT})
    return raised


def quality_table(model: QualityModel, rows: np.ndarray, *, fps: float) -> list[dict[str, Any]]:
    """Figures by prompt, and of all prompts together as the last: `QualityFigures`, and false alarms.

    Args:
        model: the model that is measured.
        rows: of `judged_masks`, of videos that it was not fitted on.
        fps: frames of the videos a second, of those that were tracked; for the alarms an hour of video.
    """
    expected, doubt = judge_rows(model, rows)
    raised = alarm_rows(model, rows)
    table = []
    for name, chosen in [
        *((str(kind), rows["kind"] == place) for place, kind in enumerate(KINDS)),
        ("all", np.ones(len(rows), bool)),
    ]:
        part = rows[chosen]
        figures = quality_figures(part["iou"], part["predicted"], expected[chosen], doubt[chosen])
        hours = _frames(part) / fps / 3600
        kinds = {"alarms": raised[chosen], "doubt": doubt[chosen] >= DOUBTFUL}
        false = {kind: _false_alarms(part, calls) for kind, calls in kinds.items()}
        hourly = {f"false_{kind}_per_hour": count / hours if hours else math.nan for kind, count in false.items()}
        table.append({"prompt": name, **asdict(figures), "hours": hours, **hourly})
    return table


def as_markdown(table: list[dict[str, Any]]) -> str:
    """The table for people; where two numbers stand, the first is of the predicted IoU alone."""
    cells = [
        [
            row["prompt"],
            f"{row['masks']:,}",
            f"{row['bad'] / row['masks']:.1%}" if row["masks"] else "",
            f"{row['error_before']:.1f} → {row['error_after']:.1f}",
            f"{row['auroc_before']:.3f} → {row['auroc_after']:.3f}",
            f"{row['caught_before']:.1%} → {row['caught_after']:.1%}",
            f"{row['most_caught']:.1%}",
            number(row["false_alarms_per_hour"], 0),
            number(row["false_doubt_per_hour"], 0),
        ]
        for row in table
    ]
    return markdown(COLUMNS, cells)


def _false_alarms(rows: np.ndarray, raised: np.ndarray) -> int:
    """False alarms over all objects."""
    count = 0
    keys = np.stack([rows["video"], rows["kind"], rows["object"]], 1)
    for key in np.unique(keys, axis=0):
        own = (keys == key).all(1)
        bad = rows["frame"][own & (rows["iou"] < BAD)]
        count += false_alarms(rows["frame"][own & raised].tolist(), bad.tolist())
    return count


def _frames(rows: np.ndarray) -> int:
    """Tracked frames, those of each prompt counted once."""
    return len(np.unique(np.stack([rows["video"], rows["kind"], rows["frame"]], 1), axis=0))
