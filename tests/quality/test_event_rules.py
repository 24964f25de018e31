"""Each rule holds for the numbers it is for, and for no usual frame."""

import pytest

from sam2s.quality import EventKind, EventThresholds
from sam2s.quality.event_rules import LEARNED, UsualFrame, UsualMeter, classify_frame
from sam2s.quality.frame_statistics import FrameStatistics

USUAL = UsualFrame(haze=0.1, contrast=0.05, tissue=0.8, cool=0.01, blood=0.02, sharpness=0.2)
FRAME = FrameStatistics(
    bright=200,
    haze=0.1,
    contrast=0.05,
    saturation=0.5,
    tissue=0.8,
    cool=0.01,
    blood=0.02,
    sharpness=0.2,
    flat=0.1,
    columns=0.2,
    change=30,
    turmoil=0.01,
)
LIMITS = EventThresholds()

CASES = {
    EventKind.BLACK: {"bright": 4},
    EventKind.TEST_PATTERN: {"flat": 0.99, "columns": 1.0},
    EventKind.FROZEN: {"change": 0.0},
    EventKind.OUT_OF_BODY: {"tissue": 0.02, "cool": 0.6},
    EventKind.BLOOD: {"blood": 0.9, "contrast": 0.01},
    EventKind.SMOKE: {"haze": 0.6, "contrast": 0.015, "tissue": 0.05},
    EventKind.BLUR: {"sharpness": 0.01, "contrast": 0.02},
}


@pytest.mark.parametrize("kind", CASES)
def test_each_rule_holds_for_its_event(kind):
    assert classify_frame(FRAME._replace(**CASES[kind]), USUAL, 0.0, LIMITS) is kind


def test_a_usual_frame_is_no_event_and_turmoil_is_a_wash():
    assert classify_frame(FRAME, USUAL, 0.0, LIMITS) is None
    assert classify_frame(FRAME, USUAL, 0.9, LIMITS) is EventKind.LENS_WASH


def test_white_drapes_are_told_from_smoke_by_their_contrast():
    white = FRAME._replace(haze=0.6, tissue=0.02)
    assert classify_frame(white, USUAL, 0.0, LIMITS) is EventKind.OUT_OF_BODY
    assert classify_frame(white._replace(contrast=0.012), USUAL, 0.0, LIMITS) is EventKind.SMOKE


def test_a_blue_screen_is_a_test_picture_and_a_black_one_is_black_first():
    blue = FRAME._replace(flat=1.0, columns=0.0, cool=1.0)
    assert classify_frame(blue, USUAL, 0.0, LIMITS) is EventKind.TEST_PATTERN
    assert classify_frame(blue._replace(bright=0, change=0), USUAL, 0.0, LIMITS) is EventKind.BLACK


def test_before_it_is_known_what_is_usual_only_rules_hold_that_need_it_not():
    for kind in (EventKind.BLACK, EventKind.TEST_PATTERN, EventKind.FROZEN, EventKind.OUT_OF_BODY):
        assert classify_frame(FRAME._replace(**CASES[kind]), None, 0.0, LIMITS) is kind
    for kind in (EventKind.BLOOD, EventKind.SMOKE, EventKind.BLUR):
        assert classify_frame(FRAME._replace(**CASES[kind]), None, 0.9, LIMITS) is None


def test_a_grey_camera_is_never_out_of_the_body_for_want_of_red():
    grey = UsualFrame(haze=0.3, contrast=0.05, tissue=0.0, cool=0.0, blood=0.0, sharpness=0.2)
    assert classify_frame(FRAME._replace(tissue=0.0), grey, 0.0, LIMITS) is None


def test_the_usual_is_the_median_of_the_last_undisturbed_frames():
    meter = UsualMeter()
    for _ in range(LEARNED - 1):
        meter.step(FRAME)
    assert meter.usual is None
    meter.step(FRAME)
    assert meter.usual == USUAL
    for _ in range(1000):
        meter.step(FRAME._replace(tissue=0.4))
    assert meter.usual.tissue == 0.4
