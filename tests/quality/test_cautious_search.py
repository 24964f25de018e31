"""The search for hiding finds what the other does, and the grey beginning of a video that begins out of the body."""

import numpy as np

from sam2s.quality import EventKind, find_events
from sam2s.quality.cautious_search import find_outside, median_of_video
from sam2s.quality.frame_statistics import FrameStatistics
from sam2s.synth.video_events import DrawnEvent, EventScene
from sam2s.video import ArraySource


def video(*spans, seed=8, length=90):
    events = [DrawnEvent(EventKind.OUT_OF_BODY, start, stop, 3) for start, stop in spans]
    scene = EventScene(seed, 128, length, kind="laparoscopy", tempo=0.5, drift=0, events=events)
    return [scene.render(t)[0] for t in range(length)]


def greyed(image):
    """Without colour, as white and grey drapes are, and clear."""
    return np.repeat(image.mean(-1, keepdims=True), 3, -1).astype(np.uint8)


def test_what_is_outside_is_found():
    told = []
    source = ArraySource(np.stack(video((40, 60))), fps=25)
    (span,) = find_outside(source, report_progress=lambda done, total: told.append((done, total)))
    assert span.kind is EventKind.OUT_OF_BODY
    assert abs(span.start - 40) <= 4
    assert abs(span.stop - 60) <= 4
    assert told[-1] == (90, 90)


def test_a_grey_room_at_the_beginning_is_found_all_the_same():
    frames = video()
    frames[:30] = [greyed(frame) for frame in frames[:30]]
    source = ArraySource(np.stack(frames), fps=25)
    assert not [span for span in find_events(source) if span.kind is EventKind.OUT_OF_BODY]
    first = find_outside(source)[0]
    assert first.start == 0
    assert abs(first.stop - 30) <= 4


def test_a_scene_inside_has_none():
    assert find_outside(ArraySource(np.stack(video()), fps=25)) == []


def test_black_frames_do_not_count_for_what_is_usual():
    dark = FrameStatistics(*[0.0] * len(FrameStatistics._fields))
    lit = dark._replace(bright=200.0, tissue=0.7, contrast=0.05)
    usual = median_of_video(np.array([dark] * 6 + [lit] * 3))
    assert (usual.tissue, usual.contrast) == (0.7, 0.05)
    assert median_of_video(np.array([dark])).tissue == 0
