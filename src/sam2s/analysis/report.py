"""The report a surgeon reads: one HTML page that needs nothing beside it, for a case and for a folder of cases."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from PIL import Image

from sam2s import __version__
from sam2s.errors import missing_extra

from .compare import FIGURES, Interval, compare_cases
from .metrics import CaseMetrics
from .plots import colour_of, heat_svg, path_svg, timeline_svg
from .series import CaseSeries
from .tables import number, object_rows, pair_rows
from .wording import PAIR, UNITS, count_jumps, figure_groups, labels_of

PICTURE_WIDTH = 480


@dataclass(frozen=True)
class KeyFrame:
    """A picture of the report, with masks drawn.

    Attributes:
        index: of the frame.
        seconds: its time.
        picture: uint8 [H, W, 3], RGB.
    """

    index: int
    seconds: float
    picture: np.ndarray


def case_page(case: CaseSeries, metrics: CaseMetrics, key_frames: Sequence[KeyFrame] = ()) -> str:
    """The page of a case: key frames, timeline, paths, heat maps, tables, and what was left out."""
    colours = colour_of(list(case.objects))
    labels = labels_of((series.object_id, series.name) for series in case.objects.values())
    objects = [
        {
            "name": labels[series.object_id],
            "jumps": count_jumps(series, case.size[1]),
            "colour": colours[series.object_id],
            "path": path_svg(case, series),
            "heat": heat_svg(case, series),
            "seen": bool(series.measured.any()),
        }
        for series in case.objects.values()
    ]
    return _render(
        "case.html",
        case=metrics,
        duration=_clock(metrics.seconds),
        key_frames=[{"time": _clock(k.seconds), "index": k.index, "data": _jpeg(k.picture)} for k in key_frames],
        timeline=timeline_svg(case, labels),
        not_judged=any(series.not_judged.any() for series in case.objects.values()),
        objects=objects,
        video=case.name,
        groups=figure_groups(object_rows(metrics), metrics.unit),
        pair_names=PAIR,
        pair_table=pair_rows(metrics),
    )


def cases_page(cases: Sequence[CaseMetrics], pages: Sequence[str]) -> str:
    """The page that compares cases.

    Args:
        cases: to compare.
        pages: address of each case's own page, in the same order.
    """
    compared = compare_cases(cases)
    rows = [
        {"name": name, "cells": [_interval_texts(figures[figure]) for figure in FIGURES]}
        for name, figures in compared.items()
    ]
    units = sorted({UNITS.get(case.unit, case.unit) for case in cases})
    linked = list(zip(cases, pages, strict=True))
    return _render("cases.html", cases=linked, figures=list(FIGURES), rows=rows, units=", ".join(units))


def _render(template: str, **values: object) -> str:
    try:
        from jinja2 import Environment
    except ImportError as error:
        raise missing_extra("the report needs Jinja2", "analysis") from error
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = number
    environment.filters["clock"] = _clock
    pages = files(__package__) / "templates"
    style = (pages / "style.css").read_text(encoding="utf-8")
    source = (pages / template).read_text(encoding="utf-8")
    return environment.from_string(source).render(style=style, version=__version__, **values)


def _interval_texts(interval: Interval) -> tuple[str, str]:
    """The mean, and the line under it: the interval and the number of cases, where there are several."""
    if interval.cases < 2:
        return number(interval.mean), ""
    return number(interval.mean), f"{number(interval.low)} to {number(interval.high)}, {interval.cases} cases"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _jpeg(picture: np.ndarray) -> str:
    image = Image.fromarray(picture)
    if image.width > PICTURE_WIDTH:
        image = image.resize((PICTURE_WIDTH, max(1, round(image.height * PICTURE_WIDTH / image.width))))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85)
    return base64.b64encode(data.getvalue()).decode()
