"""The teaching process: learns from accepted masks and writes what it does to standard output, a line of JSON each.

It asks the system for less time than others get, and ends when its input ends, so that it never outlives the server.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from sam2s.errors import Sam2sError

NICENESS = 10


def main() -> int:
    """Teach once; the last line says how it ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspaces", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--author", default=None)
    arguments = parser.parse_args()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not look like a report

    def say(**report: Any) -> None:
        with suppress(BrokenPipeError):
            out.write(json.dumps(report).encode() + b"\n")

    if hasattr(os, "nice"):
        os.nice(max(0, NICENESS - os.nice(0)))  # no more where the server itself was started with less priority
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        say(state="done", number=_teach(arguments, say))
    except Sam2sError as error:
        say(state="failed", message=str(error))
        return 2
    except KeyboardInterrupt:
        say(state="stopped")
    return 0


def _teach(arguments: argparse.Namespace, say: Any) -> int:
    """Learn, measure, draw; returns the number of the attempt."""
    from sam2s.teaching import TaughtFolder, teach

    folder = TaughtFolder(arguments.out, arguments.weights)
    shutil.rmtree(folder.path(folder.next_number()).parent, ignore_errors=True)  # of an attempt that was stopped
    taught = teach(
        arguments.workspaces,
        arguments.out,
        weights=arguments.weights,
        minutes=arguments.minutes,
        device=arguments.device,
        author=arguments.author,
        use=False,
        report_progress=lambda stage, done, total: say(state="running", stage=stage, done=done, total=total or 0),
    )
    return taught.number


def _end_with_input() -> None:
    """End when the server lets go; nothing of an unfinished attempt is used by anybody."""
    while sys.stdin.buffer.read(1 << 10):
        pass
    os._exit(0)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # the thread that reads may be in the middle of a read, which a usual exit would trip over
