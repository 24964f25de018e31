"""The figures of a case: presence, use, motion and relations of its objects, each with its unit and its rule."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np

from .camera import without_camera
from .kinematics import economy, ldlj, path_length, smooth, sparc, stretches, weighted, working_area
from .series import CaseSeries, ObjectSeries

GAP_SECONDS = 0.5
"""A gap no longer than this ends neither a visit of an object nor its use."""

IDLE_SPEED = 0.02
"""Picture widths a second below which a visible object is idle."""


@dataclass(frozen=True)
class MotionMetrics:
    """Motion of one point of an object, over the frames that are measured.

    Attributes:
        path: length of its path.
        mean_speed, peak_speed: a second.
        mean_acceleration: a second squared.
        ldlj, sparc: smoothness, see `kinematics`; NaN where it cannot be told.
        economy: mean over visits of the straight distance by the path, 0 to 1.
        area: of the convex hull of all positions.
    """

    path: float
    mean_speed: float
    peak_speed: float
    mean_acceleration: float
    ldlj: float
    sparc: float
    economy: float
    area: float


@dataclass(frozen=True)
class ObjectMetrics:
    """One object of a case. Times are seconds, lengths are in the unit of the case.

    Attributes:
        object_id, name: which.
        visible: time in which it is seen.
        share: of the analysed time.
        visits: spans of frames with it, gaps of up to half a second apart: (first second, last second).
        entries, exits: how often it came and left while the video ran.
        out_of_view: time between its first and its last sight in which it is not seen.
        doubtful_share: part of its visible frames that are left out of all motion, because nobody can trust the mask.
        idle_share: part of the measured time in which its tip hardly moves.
        ports: edge of the picture it entered through, by visit.
        exchanges: how often it came back through another edge.
        tip, centre: motion of both, as seen.
        tip_steady: motion of the tip with the camera's taken out, or None where that was not estimated.
        mean_area: mean share of the picture that it covers where it is seen.
        area_slope: change of that share a minute, by a straight line; NaN for fewer than two measured frames.
        not_judged_share: part of the analysed time in which it was not looked for, because an event hid the scene.
    """

    object_id: int
    name: str
    visible: float
    share: float
    visits: tuple[tuple[float, float], ...]
    entries: int
    exits: int
    out_of_view: float
    doubtful_share: float
    idle_share: float
    ports: tuple[str, ...]
    exchanges: int
    tip: MotionMetrics
    centre: MotionMetrics
    tip_steady: MotionMetrics | None
    mean_area: float
    area_slope: float
    not_judged_share: float = 0.0


@dataclass(frozen=True)
class PairMetrics:
    """Two objects of a case.

    Attributes:
        one, other: their ids.
        correlation: of the speeds of their tips, Pearson, over frames on which both are measured; NaN without two.
        together: time in which both are seen.
        both_moving: part of that time in which neither is idle.
        contact: time in which their masks touch after they came nearer.
        contacts: number of such contacts.
    """

    one: int
    other: int
    correlation: float
    together: float
    both_moving: float
    contact: float
    contacts: int


@dataclass(frozen=True)
class CaseMetrics:
    """A case in figures.

    Attributes:
        name: of the video; in a report that of the workspace's folder, which tells cases apart.
        seconds: analysed.
        rate: analysed frames a second.
        unit: of lengths: "px", "widths" (of the picture) or "mm".
        scale: unit by pixel.
        objects, pairs: the rest.
    """

    name: str
    seconds: float
    rate: float
    unit: str
    scale: float
    objects: tuple[ObjectMetrics, ...]
    pairs: tuple[PairMetrics, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; what cannot be told is null."""
        return {"schema": 1, **_plain(self)}


def measure_case(
    case: CaseSeries, *, motions: np.ndarray | None = None, unit: str = "px", scale: float = 1.0
) -> CaseMetrics:
    """Work out all figures of a case.

    Frames on which an object is not seen, or is doubtful, take no part in its motion; a path is not carried over them.

    Args:
        case: from `read_case`.
        motions: [T, 2, 3] of the camera, or None.
        unit, scale: of lengths.
    """
    objects = tuple(_measure_object(case, series, motions, scale) for series in case.objects.values())
    pairs = tuple(_measure_pair(case, a, b) for a, b in case.touching)
    return CaseMetrics(case.name, len(case.frames) / case.rate, case.rate, unit, scale, objects, pairs)


def pixel_scale(case: CaseSeries, object_id: int, shaft_mm: float) -> float:
    """Millimetres by pixel, from the known width of an instrument's shaft: the median over its measured frames.

    NaN where its shaft is never seen. There is no depth: the scale holds at the distance of that instrument.
    """
    series = case.objects[object_id]
    widths = series.width[series.measured & ~np.isnan(series.width)]
    return shaft_mm / float(np.median(widths)) if len(widths) else math.nan


def _measure_object(case: CaseSeries, series: ObjectSeries, motions: np.ndarray | None, scale: float) -> ObjectMetrics:
    rate, count = case.rate, len(case.frames)
    visits = _visits(series.visible, rate)
    ports = tuple(_port(series.side[start:stop]) for start, stop in visits)
    seen, measured = int(series.visible.sum()), series.measured
    shares = series.area / (case.size[0] * case.size[1])
    steady = None if motions is None else without_camera(series.tip, motions)
    return ObjectMetrics(
        series.object_id,
        series.name,
        seen / rate,
        seen / count,
        tuple((float(case.times[start]), float(case.times[stop - 1])) for start, stop in visits),
        sum(start > 0 for start, _ in visits),
        sum(stop < count for _, stop in visits),
        sum(after[0] - before[1] for before, after in pairwise(visits)) / rate,
        int(series.doubtful.sum()) / seen if seen else math.nan,
        float(_idle(series, case)[measured].mean()) if measured.any() else math.nan,
        ports,
        sum(a != b for a, b in pairwise(port for port in ports if port)),
        measure_motion(series.tip, measured, rate, scale),
        measure_motion(series.centre, measured, rate, scale),
        None if steady is None else measure_motion(steady, measured, rate, scale),
        float(shares[series.visible].mean()) if seen else math.nan,
        _slope(case.times[measured] / 60, shares[measured]),
        float(series.not_judged.mean()),
    )


def measure_motion(positions: np.ndarray, valid: np.ndarray, rate: float, scale: float = 1.0) -> MotionMetrics:
    """Motion of a point over the stretches of frames that are valid, without anything carried over the gaps.

    Args:
        positions: [T, 2] in pixels.
        valid: bool [T].
        rate: frames a second.
        scale: unit by pixel.
    """
    speeds, accelerations, paths, smoothness, spectra, economies = [], [], 0.0, [], [], []
    for start, stop in stretches(valid):
        if stop - start < 2:
            continue
        smoothed, velocity, acceleration = smooth(positions[start:stop] * scale, rate)
        speed = np.linalg.norm(velocity, axis=1)
        weight = float(stop - start)
        paths += path_length(smoothed)
        speeds.append(speed)
        accelerations.append(np.linalg.norm(acceleration, axis=1))
        smoothness.append((ldlj(speed, rate), weight))
        spectra.append((sparc(speed, rate), weight))
        economies.append((economy(smoothed), weight))
    all_speeds = np.concatenate(speeds) if speeds else np.full(1, np.nan)
    all_accelerations = np.concatenate(accelerations) if accelerations else np.full(1, np.nan)
    return MotionMetrics(
        paths,
        float(all_speeds.mean()),
        float(all_speeds.max()),
        float(all_accelerations.mean()),
        weighted(smoothness),
        weighted(spectra),
        weighted(economies),
        working_area(positions[valid] * scale),
    )


def tip_speed(series: ObjectSeries, rate: float) -> np.ndarray:
    """Speed of the tip [T] in pixels a second, NaN on frames that are not measured."""
    speed = np.full(len(series.visible), np.nan)
    for start, stop in stretches(series.measured):
        if stop - start >= 2:
            speed[start:stop] = np.linalg.norm(smooth(series.tip[start:stop], rate)[1], axis=1)
    return speed


def _idle(series: ObjectSeries, case: CaseSeries) -> np.ndarray:
    return np.nan_to_num(tip_speed(series, case.rate), nan=0.0) < IDLE_SPEED * case.size[1]


def _visits(visible: np.ndarray, rate: float) -> list[tuple[int, int]]:
    """Spans in which an object is seen, short gaps bridged."""
    spans: list[tuple[int, int]] = []
    for start, stop in stretches(visible):
        if spans and start - spans[-1][1] <= GAP_SECONDS * rate:
            spans[-1] = spans[-1][0], stop
        else:
            spans.append((start, stop))
    return spans


def _port(sides: list[str]) -> str:
    """The edge that an object enters through on most frames of a visit, "" if on none."""
    named = [side for side in sides if side]
    return max(sorted(set(named)), key=named.count) if named else ""


def _measure_pair(case: CaseSeries, a: int, b: int) -> PairMetrics:
    one, other, rate = case.objects[a], case.objects[b], case.rate
    speeds = tip_speed(one, rate), tip_speed(other, rate)
    both = ~(np.isnan(speeds[0]) | np.isnan(speeds[1]))
    together = one.visible & other.visible
    moving = both & ~_idle(one, case) & ~_idle(other, case)
    contacts = _contacts(case, a, b)
    return PairMetrics(
        a,
        b,
        _correlation(speeds[0][both], speeds[1][both]),
        int(together.sum()) / rate,
        float(moving[both].mean()) if both.any() else math.nan,
        sum(stop - start for start, stop in contacts) / rate,
        len(contacts),
    )


def _contacts(case: CaseSeries, a: int, b: int) -> list[tuple[int, int]]:
    """Spans in which two masks touch, and before which they were apart: what always touches is one behind the other."""
    return [(start, stop) for start, stop in _visits(case.touching[a, b], case.rate) if start > 0]


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) < 2 or one.std() == 0 or other.std() == 0:
        return math.nan
    return float(np.corrcoef(one, other)[0, 1])


def _slope(minutes: np.ndarray, values: np.ndarray) -> float:
    if len(minutes) < 2 or minutes[0] == minutes[-1]:
        return math.nan
    return float(np.polyfit(minutes, values, 1)[0])


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value
