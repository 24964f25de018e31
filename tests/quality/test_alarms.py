"""When each alarm is raised, and when it is not."""

import math

import numpy as np
import pytest

from sam2s.errors import ConfigError
from sam2s.quality.alarms import AlarmLimits, doubt_prompt, raise_alarms
from sam2s.quality.features import EMPTY, SEEN
from sam2s.tracking import Alarm

LIMITS = AlarmLimits()
CALM = dict.fromkeys(SEEN, 0.0) | {"area": math.log(0.1)}
GONE = dict.fromkeys(EMPTY, 0.0) | {"area": math.log(0.1), "hidden": math.log1p(4)}
FAR = {"pointer_distance": 0.6, "appearance_distance": 0.4}


def alarms(times=1, streaks=(), **features):
    streaks = dict(streaks)
    for _ in range(times):
        raised, streaks = raise_alarms(LIMITS, CALM | features, streaks, empty=False)
    return raised


def gone(**features):
    return raise_alarms(LIMITS, GONE | features, {"switch": 2}, empty=True)


def test_a_calm_frame_raises_none():
    assert alarms(times=10) == ()


def test_a_switch_needs_both_distances_for_three_frames():
    assert alarms(times=2, **FAR) == ()
    assert alarms(times=3, **FAR) == (Alarm.SWITCH,)
    assert alarms(times=5, pointer_distance=0.6) == ()
    assert alarms(times=5, appearance_distance=0.4) == ()


def test_a_calm_frame_between_begins_the_count_anew():
    _, streaks = raise_alarms(LIMITS, CALM | FAR, {"switch": 1}, empty=False)
    assert streaks == {"switch": 2}
    _, streaks = raise_alarms(LIMITS, CALM, streaks, empty=False)
    assert streaks == {}
    assert alarms(times=2, streaks=streaks, **FAR) == ()


def test_another_name_is_a_switch_if_it_is_likely():
    assert alarms(times=3, renamed=1.0, name_probability=0.9) == (Alarm.SWITCH,)
    assert alarms(times=3, renamed=1.0, name_probability=0.7) == ()
    assert alarms(times=3, name_probability=0.9) == ()


def test_two_objects_on_the_same_pixels():
    assert alarms(times=3, overlap=0.51) == (Alarm.OVERLAP,)
    assert alarms(times=2, overlap=0.51) == ()
    assert alarms(times=3, overlap=0.5) == ()


def test_a_leak_is_a_sudden_growth_of_a_mask_of_some_size():
    grown = math.log(2.6)
    assert alarms(growth=grown) == (Alarm.LEAK,)
    assert alarms(growth=math.log(2.4)) == ()
    assert alarms(growth=grown, area=math.log(0.004)) == ()


def test_several_alarms_come_in_one_order():
    assert alarms(times=3, growth=2.0, overlap=0.9, **FAR) == (Alarm.SWITCH, Alarm.OVERLAP, Alarm.LEAK)


def test_an_object_that_vanished_inside_the_picture_is_lost_from_the_fifth_frame_on():
    assert gone() == ((Alarm.LOST,), {})
    assert gone(hidden=math.log1p(500))[0] == (Alarm.LOST,)
    assert gone(hidden=math.log1p(3))[0] == ()
    assert gone(at_border=1.0)[0] == ()  # it left
    assert gone(area=math.log(1e-3))[0] == ()  # it was never seen, or hardly


def test_a_prompt_is_in_doubt_below_its_limit_or_with_a_doubtful_mask():
    assert doubt_prompt(LIMITS, "points", 0.84, 0.1) == (Alarm.PROMPT,)
    assert doubt_prompt(LIMITS, "points", 0.85, 0.1) == ()
    assert doubt_prompt(LIMITS, "box", 0.69, 0.1) == (Alarm.PROMPT,)
    assert doubt_prompt(LIMITS, "box", 0.7, 0.8) == ()
    assert doubt_prompt(LIMITS, "box", 1.0, 0.81) == (Alarm.PROMPT,)
    assert doubt_prompt(LIMITS, "mask", 0.1, 0.9) == ()


def test_limits_are_numbers_from_zero_up():
    with pytest.raises(ConfigError, match="alarm limit grown nan is not a number from 0 up"):
        AlarmLimits(grown=math.nan)
    with pytest.raises(ConfigError, match="alarm limit shared -1 is not a number"):
        AlarmLimits(shared=-1)
    with pytest.raises(ConfigError, match="alarm limit patience '3' is not a number"):
        AlarmLimits(patience="3")
    assert np.isfinite(LIMITS.grown)
