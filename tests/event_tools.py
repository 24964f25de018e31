"""A clip with an event of the video in it, whose frames are known."""

import av
import numpy as np

from sam2s.quality import EventKind, EventSpan
from sam2s.synth.video_events import DrawnEvent, EventScene

START, STOP, LENGTH, LONG = 20, 40, 60, 3000
BLACK = EventSpan(EventKind.BLACK, START, STOP)


def write_events(path, *, side=96):
    """Write 60 frames of a drawn scene that is black on frames 20 to 39."""
    scene = EventScene(
        8, side, LENGTH, kind="laparoscopy", tempo=0.5, drift=0, events=(DrawnEvent(EventKind.BLACK, START, STOP, 5),)
    )
    _write(path, [scene.render(frame)[0] for frame in range(LENGTH)])


def write_long(path, frames=LONG):
    """Write a long clip of nothing in particular, which takes seconds to look through."""
    noise = np.random.default_rng(0).integers(60, 200, (8, 48, 64, 3), np.uint8)
    _write(path, [noise[frame % 8] for frame in range(frames)])


def _write(path, pictures):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18"})
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        for picture in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        out.mux(stream.encode())


def black_of(spans):
    """Those of the spans that are black; the change of light at its ends may be told as something else."""
    return [span for span in spans if span.kind == EventKind.BLACK]
