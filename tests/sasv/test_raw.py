"""What is said of a video before it is read."""

from dataclasses import replace
from fractions import Fraction
from functools import partial

from sam2s.sasv.raw import RawVideo, no_frames


def test_a_description_is_all_but_how_frames_are_read_and_the_same_in_every_process():
    video = RawVideo("v1", "ClinicDB", "train", "p7", fps=Fraction(25, 2), crop=(1, 2, 3, 4), missing=(5,))
    assert video.description() == repr(replace(video, frames=None)), "the text that earlier builds have noted"
    assert replace(video, frames=partial(no_frames)).description() == video.description()
    assert replace(video, length=3).description() != video.description()
    assert " at 0x" not in video.description()
