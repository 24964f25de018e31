"""The teaching process: learns from accepted masks and writes what it does to standard output, a line of JSON each.

It asks the system for less time than others get, and ends when its input ends, so that it never outlives the server.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from sam2s.app.background import Report, leave, lower_priority, open_reports, when_input_ends
from sam2s.errors import Sam2sError


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
    say = open_reports()
    lower_priority()
    when_input_ends(lambda: os._exit(0))  # nothing of an unfinished attempt is used by anybody
    try:
        say(state="done", number=_teach(arguments, say))
    except Sam2sError as error:
        say(state="failed", message=str(error))
        return 2
    except KeyboardInterrupt:
        say(state="stopped")
    return 0


def _teach(arguments: argparse.Namespace, say: Report) -> int:
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


if __name__ == "__main__":
    leave(main())
