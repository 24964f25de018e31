"""What the official SAM 2.1 video predictor computes, we compute: all four sizes, all prompt scripts."""

import sys
from pathlib import Path

import numpy as np
import pytest

from model_tools import nano
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


def test_passes_begin_at_the_earliest_prompt_and_objects_at_their_own():
    steps = [
        {"do": "points", "frame": 5, "obj": 1, "points": [[30, 20]], "labels": [1]},
        {"do": "points", "frame": 2, "obj": 2, "points": [[40, 40]], "labels": [1]},
        {"do": "propagate", "stop": 7},
        {"do": "propagate", "reverse": True},
        {"do": "propagate", "start": 5, "reverse": True},
        {"do": "points", "frame": 1, "obj": 3, "points": [[10, 50]], "labels": [1]},
        {"do": "propagate", "stop": 3},
    ]
    frames = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    passed: dict[tuple[str, str], set[int]] = {}
    for key in run_case(nano(), frames, "case", steps):
        _, run, frame, object_id, _ = key.split("/")
        passed.setdefault((run, object_id), set()).add(int(frame.removeprefix("frame")))
    assert passed == {
        ("run0", "obj1"): {5, 6},
        ("run0", "obj2"): {2, 3, 4, 5, 6},
        ("run1", "obj1"): {0, 1, 2},  # backward, its prompt lies behind where the pass begins
        ("run1", "obj2"): {0, 1, 2},
        ("run2", "obj1"): {0, 1, 2, 3, 4, 5},
        ("run2", "obj2"): {0, 1, 2},
        ("run3", "obj2"): {2},
        ("run3", "obj3"): {1, 2},
    }
