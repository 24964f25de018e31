"""The process that looks for events of a video: says what it finds on standard output, a line of JSON each.

It asks the system for less time than others get. When its input ends it stops at the frame that it is at and says what
it has found by then, so that it never outlives the server.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sam2s.app.background import leave, lower_priority, open_reports, when_input_ends
from sam2s.errors import Sam2sError
from sam2s.video import Frame, VideoSource

REPORT_SECONDS = 0.25


def main(video: Path, workspace: Path) -> int:
    """Look through the video once; the last line says how it ended."""
    say = open_reports()
    lower_priority()
    stop = threading.Event()
    when_input_ends(stop.set)
    from sam2s.app.video_files import open_video
    from sam2s.quality import iterate_events

    said, spans, done = 0.0, list[list[object]](), 0
    try:
        with closing(open_video(video, workspace)) as source:
            for done, ended in iterate_events(_frames(source, stop)):
                spans += [[span.kind, span.start, span.stop] for span in ended]
                if time.monotonic() - said > REPORT_SECONDS:
                    say(done=done, total=source.length, spans=spans)
                    said, spans = time.monotonic(), []
        say(done=done, total=done if not stop.is_set() else source.length, spans=spans)
        say(state="stopped" if stop.is_set() else "done")
    except Sam2sError as error:
        say(done=done, spans=spans)
        say(state="failed", message=str(error))
        return 2
    except KeyboardInterrupt:
        say(state="stopped")
    return 0


def _frames(source: VideoSource, stop: threading.Event) -> Iterator[Frame]:
    for frame in source.frames():
        if stop.is_set():
            return
        yield frame


if __name__ == "__main__":
    leave(main(*map(Path, sys.argv[1:3])))
