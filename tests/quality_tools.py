"""Results, histories and models made by hand for the tests of quality."""

import numpy as np
import torch

from sam2s.quality.calibration import Curve, Head, QualityModel
from sam2s.quality.features import EMPTY, SEEN
from sam2s.tracking import ObjectResult, ObjectState

GRID = 16


def square(x0, y0, x1, y1, grid=GRID, inside=5.0):
    """Logits [grid, grid] that show a rectangle of places."""
    logits = torch.full((grid, grid), -5.0)
    logits[y0:y1, x0:x1] = inside
    return logits


def tracked(logits=None, **changes):
    """A result of object 1 with a square of 4 x 4 of 16 x 16 places."""
    logits = square(4, 4, 8, 8) if logits is None else logits
    values = {
        "object_id": 1,
        "low_res_logits": logits,
        "size": (32, 32),
        "iou": 0.9,
        "presence": 0.9,
        "state": ObjectState.VISIBLE,
        "candidate_ious": (0.9, 0.5, 0.7),
        "stability": 0.95,
        "pointer": torch.tensor([1.0, 0.0]),
        **changes,
    }
    return ObjectResult(**values)


def picture(value=128, size=32):
    """A grey frame."""
    return np.full((size, size, 3), value, np.uint8)


def head(names, weights=None, knots=((-10.0, 0.0), (10.0, 1.0))):
    """A head whose two curves weigh the named features, through the given map."""
    weights = weights or {}
    row = tuple(float(weights.get(name, 0.0)) for name in names) + (0.0,) * len(names)
    scores, values = (tuple(column) for column in zip(*knots, strict=True))
    curve = Curve(row, 0.0, scores, values)
    return Head(names, (0.0,) * len(names), (1.0,) * len(names), curve, curve)


def quality_model(**changes):
    """A model whose doubt and expected IoU are (log odds of the predicted IoU + 10) / 20."""
    return QualityModel(
        **{"seen": head(SEEN, {"predicted_iou": 1}), "empty": head(EMPTY, {"predicted_iou": 1}), **changes}
    )
