"""Work for worker processes, in a module that they can import, and who started whom."""

import os
from pathlib import Path


def square(number):
    return number * number


def die(_):
    os._exit(3)


def remember(value):
    os.environ["SAM2S_TEST_VALUE"] = value


def remembered(_):
    return os.environ["SAM2S_TEST_VALUE"]


def descendants(pid: int) -> list[int]:
    """Processes that a process started, and those that they started."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return children + [below for child in children for below in descendants(child)]
