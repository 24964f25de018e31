"""Frames in either direction, from anywhere, however long the video."""

import pytest

from sam2s.errors import PromptError
from sam2s.session.frame_order import REVERSE_CHUNK, check_span, frames_from, locate_frame
from tracking_tools import source


class LengthUnknown:
    """A source that has to be read to know where it ends; notes what was asked for."""

    name, length, seekable = "unknown", None, True

    def __init__(self, count):
        self.inner, self.asked = source(count), []

    def frames(self, start=0, stop=None, step=1):
        self.asked.append((start, stop))
        yield from (
            self.inner.frames(start, min(self.inner.length, stop or self.inner.length), step)
            if (start < self.inner.length)
            else ()
        )


def indices(*args, **kwargs):
    return [frame.index for frame in frames_from(*args, **kwargs)]


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("count", [1, REVERSE_CHUNK, 2 * REVERSE_CHUNK + 3])
def test_backward_is_forward_turned_round(count, stride):
    video = source(count)
    forward = indices(video, 0, stride=stride)
    assert forward == list(range(0, count, stride))
    assert indices(video, (count - 1) // stride, stride=stride, reverse=True) == forward[::-1]


def test_spans_end_where_they_are_told():
    assert indices(source(9), 2, 6) == [2, 3, 4, 5]
    assert indices(source(9), 6, 2, reverse=True) == [6, 5, 4, 3, 2]
    assert indices(source(9), -1, reverse=True) == []
    assert indices(source(20), 5, 4, stride=3, reverse=True) == [15, 12, 9, 6]


def test_far_past_the_end_backward_begins_at_the_last_frame_at_once():
    assert indices(source(9), 10**9, 5, reverse=True) == [8, 7, 6, 5]
    video = LengthUnknown(9)
    assert indices(video, 10**9, 5, reverse=True) == [8, 7, 6, 5]
    assert len(video.asked) < 40
    assert indices(LengthUnknown(10), 10**9, stride=4, reverse=True) == [8, 4, 0]


def test_frames_are_found_by_index():
    assert locate_frame(source(9), 6, 3) == (6, 2)
    for frame, stride, message in (
        (9, 1, "frame 9 is not in array; frames run from 0 to 8"),
        (-1, 1, "frame -1 is not in array"),
        (7, 3, "frame 7 is skipped by stride 3; use frame 6"),
        ("7", 1, "frame '7' is not a whole number"),
    ):
        with pytest.raises(PromptError, match=message):
            locate_frame(source(9), frame, stride)


def test_spans_are_checked_and_counted_by_stride():
    assert check_span(None, None, 4, stride=3, reverse=False) == (4, None)
    assert check_span(7, 9, 4, stride=3, reverse=False) == (3, 9)
    assert check_span(7, 0, 4, stride=3, reverse=True) == (2, 0)
    assert check_span(-1, None, 4, stride=1, reverse=True) == (-1, None)  # where a propagation backward has ended
    for start, stop in ((-1, None), (0, -1), (0.5, None), (0, "9")):
        with pytest.raises(PromptError, match=r"frames count from 0|is not a whole number"):
            check_span(start, stop, 0, stride=1, reverse=False)
