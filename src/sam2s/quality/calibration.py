"""The calibrated model: features of a mask -> its expected IoU, and the probability that the true IoU is under 0.5.

Two logistic models, one for masks that show something and one for empty masks, each with a monotone map behind it that
was fitted on videos that the logistic model had not seen (isotonic regression). What is stored is numbers and names
only, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.errors import CheckpointError
from sam2s.tracking import MaskQuality

from .alarms import AlarmLimits
from .features import EMPTY, SEEN

FORMAT = 1
"""Version of the stored form; another one is refused."""
FLOOR = 0.001
"""No probability is nearer to 0 or 1."""
MAX_NUMBERS = 1000
"""A curve or a head with more numbers than that is not a model of ours."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A logistic model with a monotone map behind it.

    Attributes:
        weights: of the standardised features, then of their positive parts, [2 F].
        bias: added to their sum.
        scores, values: the map, linear between these points and flat beyond them; both ascend.
    """

    weights: tuple[float, ...]
    bias: float
    scores: tuple[float, ...]
    values: tuple[float, ...]

    def raw(self, rows: np.ndarray) -> np.ndarray:
        """Log odds [N] of standardised features [N, F], before the map."""
        return expand(rows) @ np.array(self.weights) + self.bias

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Probabilities [N] of standardised features [N, F]."""
        return np.clip(np.interp(self.raw(rows), self.scores, self.values), FLOOR, 1 - FLOOR)


@dataclass(frozen=True, slots=True)
class Head:
    """The model of one kind of masks.

    Attributes:
        names: of the features, in order.
        centre, scale: what is taken from each feature, and what it is divided by.
        doubt: gives the probability that the true IoU is under 0.5.
        iou: gives the expected IoU.
    """

    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    doubt: Curve
    iou: Curve

    def standardise(self, rows: np.ndarray) -> np.ndarray:
        """Features [N, F] as the curves want them, held within six spreads of the mean."""
        return np.clip((rows - np.array(self.centre)) / np.array(self.scale), -6, 6)

    def judge(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected IoU [N] and doubt [N] of features [N, F]."""
        standard = self.standardise(rows)
        return self.iou(standard), self.doubt(standard)


@dataclass(frozen=True, slots=True)
class QualityModel:
    """What turns features into quality.

    Attributes:
        seen: for masks that show something.
        empty: for empty masks.
        limits: where alarms begin.
        fitted: a record of what it was fitted on.
    """

    seen: Head
    empty: Head
    limits: AlarmLimits = field(default_factory=AlarmLimits)
    fitted: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, row: np.ndarray, *, empty: bool) -> MaskQuality:
        """Quality of one mask, without alarms."""
        iou, doubt = (self.empty if empty else self.seen).judge(row[None])
        return MaskQuality(float(iou[0]), float(doubt[0]))

    def to_json(self) -> str:
        """As JSON text, which `from_json` reads."""
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str, origin: str) -> QualityModel:
        """Read what `to_json` wrote.

        Args:
            text: the JSON.
            origin: where it comes from, for messages.

        Raises:
            CheckpointError: it is no such model, or one of another version of sam2s.
        """
        try:
            data = json.loads(text)
            version = data.pop("format")
            if version != FORMAT:
                raise CheckpointError(
                    f"the quality model of {origin} has format {version}, this sam2s reads {FORMAT}; fit it again with "
                    "`sam2s quality fit`"
                )
            heads = {name: _head(data.pop(name), names, origin) for name, names in (("seen", SEEN), ("empty", EMPTY))}
            limits, fitted = AlarmLimits(**data.pop("limits")), dict(data.pop("fitted"))
            if data:
                raise ValueError(f"it has {', '.join(map(repr, data))} too many")
            return cls(heads["seen"], heads["empty"], limits, fitted)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CheckpointError(
                f"the quality model of {origin} cannot be read ({error}); fit it again with `sam2s quality fit`"
            ) from error


def expand(rows: np.ndarray) -> np.ndarray:
    """Standardised features [N, F] and their positive parts, [N, 2 F], so that each may count differently on both sides
    of its mean."""
    return np.hstack((rows, np.maximum(rows, 0)))


def _blank(names: tuple[str, ...]) -> Head:
    """A head that knows nothing: every mask is as likely bad as good."""
    zeros, curve = (0.0,) * len(names), Curve((0.0,) * (2 * len(names)), 0.0, (0.0,), (0.5,))
    return Head(names, zeros, (1.0,) * len(names), curve, curve)


BLANK_MODEL = QualityModel(
    _blank(SEEN), _blank(EMPTY), AlarmLimits(click_agreement=0.0, box_agreement=0.0, prompt_doubt=1.0)
)
"""Judges nothing and doubts no prompt; for whoever only wants the features."""


@cache
def default_model() -> QualityModel:
    """The model fitted on drawn scenes with the bundled weights; used for weights that bring none of their own."""
    return QualityModel.from_json(files("sam2s.quality").joinpath("default.json").read_text(), "this installation")


def read_model(path: Path) -> QualityModel:
    """Read a model from a JSON file.

    Raises:
        CheckpointError: the file cannot be read, or is not a quality model of this version.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"cannot read the quality model {path}: {error}") from error
    return QualityModel.from_json(text, str(path))


def _head(data: Any, names: tuple[str, ...], origin: str) -> Head:
    if tuple(data["names"]) != names:
        raise CheckpointError(
            f"the quality model of {origin} was fitted with other features than this sam2s computes; fit it again with "
            "`sam2s quality fit`"
        )
    centre, scale = _numbers(data["centre"], len(names)), _numbers(data["scale"], len(names))
    if min(scale) <= 0:
        raise ValueError("a scale is not above 0")
    curves = {name: _curve(data[name], 2 * len(names)) for name in ("doubt", "iou")}
    if extra := data.keys() - {item.name for item in fields(Head)}:
        raise ValueError(f"a head has {', '.join(map(repr, sorted(extra)))} too many")
    return Head(names, centre, scale, curves["doubt"], curves["iou"])


def _curve(data: Any, count: int) -> Curve:
    scores, values = _numbers(data["scores"]), _numbers(data["values"])
    if len(scores) != len(values) or not scores:
        raise ValueError("a map needs as many values as scores")
    if any(np.diff(scores) <= 0) or any(np.diff(values) < 0) or min(values) < 0 or max(values) > 1:
        raise ValueError("a map must ascend from 0 to 1")
    return Curve(_numbers(data["weights"], count), _numbers([data["bias"]])[0], scores, values)


def _numbers(values: Any, count: int | None = None) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) > MAX_NUMBERS or (count is not None and len(values) != count):
        raise ValueError(f"a list of {count or 'numbers'} is expected")
    if not all(isinstance(value, int | float) and np.isfinite(value) for value in values):
        raise ValueError("a number is not finite")
    return tuple(float(value) for value in values)
