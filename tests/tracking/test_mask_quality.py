"""Alarms as bits, as workspaces store them."""

from hypothesis import given
from hypothesis import strategies as st

from sam2s.tracking import Alarm, MaskQuality
from sam2s.tracking.mask_quality import from_bits, to_bits


def test_the_bit_of_an_alarm_is_its_place():
    assert [to_bits([alarm]) for alarm in Alarm] == [1, 2, 4, 8, 16]
    assert [str(alarm) for alarm in Alarm] == ["switch", "overlap", "leak", "lost", "prompt"]
    assert to_bits([]) == 0


@given(st.sets(st.sampled_from(list(Alarm))))
def test_bits_give_the_alarms_back_in_order(alarms):
    assert from_bits(to_bits(alarms)) == tuple(alarm for alarm in Alarm if alarm in alarms)


def test_bits_of_a_newer_version_are_passed_over():
    assert from_bits(1 | 1 << 40) == (Alarm.SWITCH,)


def test_quality_has_no_alarm_by_default():
    assert MaskQuality(0.9, 0.1).alarms == ()
