"""Patient keys, so that one patient is never trained on in one source and tested on in another.

Cholec80, CholecT50, CholecSeg8k, CholecInstanceSeg and Endoscapes come from one hospital and share patients. CholecT50
kept the numbers of Cholec80 up to 80 and went on from there; Endoscapes counted anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Endoscapes video -> Cholec80 / CholecT50 number, after the overlap list of the Endoscapes authors' group.
_ENDOSCAPES = {1: 67, 2: 68, 3: 70, 4: 71, 7: 72, 10: 96, 33: 110, 121: 66, 127: 103}


def cholec(video: int) -> str:
    """Key of a Cholec80 or CholecT50 video number."""
    return f"cholec:{video:03d}"


def endoscapes(video: int) -> str:
    """Key of an Endoscapes video number."""
    return cholec(_ENDOSCAPES[video]) if video in _ENDOSCAPES else f"endoscapes:{video:03d}"


def shared_patients(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Patients in the training and the test part, each with its videos by part."""
    parts: dict[str, dict[str, list[str]]] = {}
    for name, entry in entries.items():
        parts.setdefault(entry["patient"], {}).setdefault(entry["split"], []).append(name)
    return {patient: by for patient, by in sorted(parts.items()) if {"train", "test"} <= set(by)}
