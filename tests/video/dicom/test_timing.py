from fractions import Fraction

import pytest

from sam2s.video.dicom.timing import frame_clock

TIME, VECTOR = 0x00181063, 0x00181065
STEPS = [Fraction(0), Fraction(40), Fraction(20), Fraction(60)]


@pytest.mark.parametrize(
    ("attributes", "fps", "origin"),
    [
        ({}, None, None),
        ({"RecommendedDisplayFrameRate": 30}, 30, "RecommendedDisplayFrameRate"),
        ({"RecommendedDisplayFrameRate": 30, "CineRate": 15}, 15, "CineRate"),
        ({"CineRate": 15, "FrameTime": Fraction("33.33")}, Fraction(100000, 3333), "FrameTime"),
        ({"FrameTime": Fraction(40), "FrameTimeVector": STEPS}, 25, "FrameTimeVector"),
        ({"FrameTime": Fraction(20), "FrameTimeVector": STEPS, "FrameIncrementPointer": [TIME]}, 50, "FrameTime"),
        (
            {"FrameTime": Fraction(20), "FrameTimeVector": STEPS, "FrameIncrementPointer": [VECTOR]},
            25,
            "FrameTimeVector",
        ),
        ({"FrameTime": Fraction(0), "CineRate": 10}, 10, "CineRate"),
        ({"FrameTime": Fraction(-5), "CineRate": 0, "RecommendedDisplayFrameRate": 10**9}, None, None),
        ({"FrameTimeVector": [Fraction(0), Fraction(40), Fraction(-1)], "FrameTime": Fraction(50)}, 20, "FrameTime"),
        ({"FrameTimeVector": [Fraction(0)], "CineRate": 12}, 12, "CineRate"),
    ],
)
def test_precedence(attributes, fps, origin):
    clock = frame_clock(attributes)
    assert (clock.fps, clock.origin) == (fps, origin)


def test_a_vector_lists_what_passes_before_each_frame():
    clock = frame_clock({"FrameTimeVector": STEPS})
    assert [clock.time_of(i) for i in range(4)] == [0, Fraction(1, 25), Fraction(3, 50), Fraction(3, 25)]
    assert clock.time_of(6) == Fraction(3, 25) + 3 * Fraction(3, 50)  # frames beyond it come as the last did


@pytest.mark.parametrize("time", ["33.37", "33.3667", "33.33"])
def test_a_stream_is_taken_at_its_word_where_the_data_set_rounds(time):
    exact = Fraction(30000, 1001)
    clock = frame_clock({"FrameTime": Fraction(time)}, exact)
    assert (clock.fps, clock.origin, clock.time_of(3, Fraction(7, 50))) == (exact, "the bit stream", Fraction(7, 50))
    assert clock.time_of(30) == Fraction(1001, 1000)  # without a time stamp of its own


def test_a_data_set_that_contradicts_the_stream_counts():
    clock = frame_clock({"FrameTime": Fraction(40)}, Fraction(30))
    assert (clock.fps, clock.time_of(5, Fraction(1))) == (25, Fraction(1, 5))


def test_a_stream_counts_where_the_data_set_is_silent():
    clock = frame_clock({}, Fraction(24))
    assert (clock.fps, clock.time_of(2, Fraction(9, 100)), clock.time_of(2)) == (24, Fraction(9, 100), Fraction(1, 12))
    assert frame_clock({}).time_of(4) is None
