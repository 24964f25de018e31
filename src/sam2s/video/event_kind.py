"""What may happen to a video: what is drawn, found, marked and acted upon has one name."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """What happens to the video."""

    CUT = "cut"
    OUT_OF_BODY = "out_of_body"
    SMOKE = "smoke"
    BLUR = "blurred"
    LENS_WASH = "lens_wash"
    BLOOD = "blood"
    BLACK = "black"
    FROZEN = "frozen"
    TEST_PATTERN = "test_pattern"
