"""What the official SAM 2.1 video predictor computes, we compute: all four sizes, all prompt scripts."""

import sys
from pathlib import Path

import numpy as np
import pytest

from reference_tools import CASES, reference_frames, reference_model

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS.parent / "benchmarks"))

from reference import TOLERANCE, run_case  # noqa: E402

REFERENCE = np.load(TESTS / "data" / "sam21_reference.npz")


def thinned(field: str, x: np.ndarray) -> np.ndarray:
    if field == "low_res_logits":
        return x[:: x.shape[0] // 16, :: x.shape[1] // 16]
    return x[::4] if field == "obj_ptr" else x


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("file", "case", "frames"),
    [
        ("tiny_512", "click", 2),
        ("tiny_512", "two_objects_box_clicks", 2),
        ("tiny_512", "mask", 2),
        ("small_512", "two_objects_box_clicks", 2),
        slow("tiny_512", "click", 12),
        slow("tiny_512", "two_objects_box_clicks", 12),
        slow("tiny_512", "mask", 12),
        slow("tiny_512", "refine_and_reverse", 12),
        slow("small_512", "two_objects_box_clicks", 4),
        slow("tiny_1024", "two_objects_box_clicks", 4),
        slow("base_plus_512", "click", 5),
        slow("base_plus_512", "mask", 5),
        slow("large_512", "click", 3),
    ],
)
def test_equals_the_official_predictor(file: str, case: str, frames: int):
    steps = [{**step, "stop": frames} if step == {"do": "propagate"} else step for step in CASES[case]]
    ours = run_case(reference_model(file), reference_frames(file), case, steps)
    expected = {key.split("/", 1)[1]: key for key in REFERENCE.files if key.startswith(f"{file}/{case}/")}
    if frames < max(int(key.split("/")[2].removeprefix("frame")) for key in expected) + 1:
        expected = {key: full for key, full in expected.items() if key in ours}
    assert expected.keys() == ours.keys()
    for key, full in expected.items():
        field = key.rsplit("/", 1)[1]
        error = np.abs(thinned(field, ours[key]) - REFERENCE[full]).max()
        assert error <= TOLERANCE[field], f"{key} is off by {error:.1e}"
