"""Which files a video was made from, with size and time: when one changes, the video is made again.

They lie in `<set>/.sources`, beside the videos and not in them: times differ from one machine to the next, and a set
that is built twice shall be the same to the byte. Without them (a set from elsewhere) a video counts as up to date.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from sam2s.files import write_atomically

_read: ContextVar[set[Path] | None] = ContextVar("files read", default=None)


@contextmanager
def tracing() -> Iterator[set[Path]]:
    """Collect the files of which `note` is told inside the block."""
    files: set[Path] = set()
    token = _read.set(files)
    try:
        yield files
    finally:
        _read.reset(token)


def note(path: Path) -> None:
    """Tell that a file of the download is read."""
    files = _read.get()
    if files is not None:
        files.add(path)


def write_trace(out: Path, video: str, root: Path, files: Iterable[Path]) -> None:
    """Keep how the files look from which a video was just made; paths are relative to `root`."""
    looks = {os.path.relpath(path, root): _look(path) for path in sorted(files)}
    write_atomically(_place(out, video), (json.dumps(looks, indent=0) + "\n").encode())


def unchanged(out: Path, video: str, root: Path) -> bool:
    """Whether all files that a video was made from look as they did then."""
    try:
        looks = json.loads(_place(out, video).read_text("utf-8"))
    except (OSError, ValueError):
        return True
    return all(_look(root / path) == look for path, look in looks.items())


def _place(out: Path, video: str) -> Path:
    return out / ".sources" / f"{video}.json"


def _look(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
