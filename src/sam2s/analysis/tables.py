"""The figures of a case as rows, for CSV files and for the report."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from .metrics import CaseMetrics, ObjectMetrics, PairMetrics

Row = dict[str, str | float | int]


def object_rows(case: CaseMetrics) -> list[Row]:
    """One row for each object; the unit of a length stands in the name of its column."""
    return [_object_row(case, item) for item in case.objects]


def pair_rows(case: CaseMetrics) -> list[Row]:
    """One row for each pair of objects."""
    names = {item.object_id: item.name for item in case.objects}
    return [_pair_row(case.name, names, pair) for pair in case.pairs]


def to_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV with a header; what cannot be told is empty."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def number(value: float | int | str | None) -> str:
    """A figure as people read it; a dash where it cannot be told."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, str | int):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _object_row(case: CaseMetrics, item: ObjectMetrics) -> Row:
    unit = case.unit
    row: Row = {
        "case": case.name,
        "id": item.object_id,
        "name": item.name,
        "visible_s": item.visible,
        "visible_share": item.share,
        "visits": len(item.visits),
        "entries": item.entries,
        "exits": item.exits,
        "out_of_view_s": item.out_of_view,
        "ports": " ".join(port or "inside" for port in item.ports),
        "exchanges": item.exchanges,
        "doubtful_share": item.doubtful_share,
        "not_judged_share": item.not_judged_share,
        "idle_share": item.idle_share,
        "mean_area_share": item.mean_area,
        "area_share_change_per_min": item.area_slope,
    }
    points = {"tip": item.tip, "centre": item.centre, "tip_without_camera": item.tip_steady}
    for point, motion in points.items():
        if motion is None:
            continue
        row |= {
            f"{point}_path_{unit}": motion.path,
            f"{point}_mean_speed_{unit}_per_s": motion.mean_speed,
            f"{point}_peak_speed_{unit}_per_s": motion.peak_speed,
            f"{point}_mean_acceleration_{unit}_per_s2": motion.mean_acceleration,
            f"{point}_ldlj": motion.ldlj,
            f"{point}_sparc": motion.sparc,
            f"{point}_economy": motion.economy,
            f"{point}_working_area_{unit}2": motion.area,
        }
    return row


def _pair_row(case: str, names: dict[int, str], pair: PairMetrics) -> Row:
    return {
        "case": case,
        "one": f"{pair.one} {names[pair.one]}",
        "other": f"{pair.other} {names[pair.other]}",
        "together_s": pair.together,
        "speed_correlation": pair.correlation,
        "both_moving_share": pair.both_moving,
        "contact_s": pair.contact,
        "contacts": pair.contacts,
    }


def _cell(value: str | float | int) -> str | float | int:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else round(value, 6)
