"""The process that looks for events of a video: says what it finds on standard output, a line of JSON each.

It asks the system for less time than others get. When its input ends it stops at the frame that it is at and says what
it has found by then, so that it never outlives the server.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from sam2s.errors import Sam2sError
from sam2s.video import Frame, VideoSource

NICENESS = 10
REPORT_SECONDS = 0.25


def main(video: Path, workspace: Path) -> int:
    """Look through the video once; the last line says how it ended."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not look like a report

    def say(**report: object) -> None:
        with suppress(BrokenPipeError):
            out.write(json.dumps(report).encode() + b"\n")

    if hasattr(os, "nice"):
        os.nice(max(0, NICENESS - os.nice(0)))
    stop = threading.Event()
    threading.Thread(target=_stop_with_input, args=(stop,), daemon=True).start()
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


def _stop_with_input(stop: threading.Event) -> None:
    while sys.stdin.buffer.read(1 << 10):
        pass
    stop.set()


if __name__ == "__main__":
    code = main(*map(Path, sys.argv[1:3]))
    sys.stderr.flush()
    os._exit(code)  # the thread that reads may be in the middle of a read, which a usual exit would trip over
