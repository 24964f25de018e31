"""Patients that several sources show."""

import pytest

from sam2s.sasv.patients import cholec, endoscapes, shared_patients


@pytest.mark.parametrize(
    ("video", "other"), [(1, 67), (2, 68), (3, 70), (4, 71), (7, 72), (10, 96), (33, 110), (121, 66), (127, 103)]
)
def test_videos_of_endoscapes_that_are_those_of_cholec80_and_cholect50(video, other):
    assert endoscapes(video) == cholec(other) == f"cholec:{other:03d}"


def test_other_videos_of_endoscapes_are_patients_of_their_own():
    assert endoscapes(5) == "endoscapes:005"
    assert endoscapes(67) == "endoscapes:067"


def test_a_patient_in_training_and_test_is_shared_one_in_validation_is_not():
    entries = {
        "a": {"patient": "p", "split": "train"},
        "b": {"patient": "p", "split": "test"},
        "c": {"patient": "q", "split": "train"},
        "d": {"patient": "q", "split": "val"},
        "e": {"patient": "r", "split": "test"},
        "f": {"patient": "p", "split": "train"},
    }
    assert shared_patients(entries) == {"p": {"train": ["a", "f"], "test": ["b"]}}
