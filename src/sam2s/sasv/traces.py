"""What a video was made from: when a file changes, goes or comes, the video is made again.

That is which files were found for it, and of what was read for it the size and time of files, the names in folders, and
that a file was looked for and not there.

They lie in `<set>/.sources`, beside the videos and not in them: times differ from one machine to the next, and a set
that is built twice shall be the same to the byte. Without them (a set from elsewhere) a video counts as up to date.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from sam2s.files import write_atomically
from sam2s.sasv.text_files import MALFORMED

_read: ContextVar[set[Path] | None] = ContextVar("files read", default=None)


@contextmanager
def tracing() -> Iterator[set[Path]]:
    """Collect the paths of which `note` is told inside the block."""
    files: set[Path] = set()
    token = _read.set(files)
    try:
        yield files
    finally:
        _read.reset(token)


def note(path: Path) -> None:
    """Tell that a file of the download is read, a folder of it listed, or that a file is looked for."""
    files = _read.get()
    if files is not None:
        files.add(path)


def write_trace(out: Path, video: str, root: Path, listed: str, read: Iterable[Path]) -> None:
    """Keep what a video was just made from.

    Args:
        out: the built set.
        video: its id.
        root: of the downloads; paths are kept relative to it.
        listed: a fingerprint of the files that were found for it.
        read: what was read for it.
    """
    looks = {os.path.relpath(path, root): _look(path) for path in sorted(read)}
    write_atomically(_place(out, video), (json.dumps({"listed": listed, "read": looks}, indent=0) + "\n").encode())


def unchanged(out: Path, video: str, root: Path, listed: str) -> bool:
    """Whether everything that a video was made from is as it was then."""
    try:
        trace = json.loads(_place(out, video).read_text("utf-8"))
        same = trace["listed"] == listed and all(_look(root / path) == look for path, look in trace["read"].items())
    except FileNotFoundError:
        return True
    except (OSError, *MALFORMED):
        return False
    return bool(same)


def _place(out: Path, video: str) -> Path:
    return out / ".sources" / f"{video}.json"


def _look(path: Path) -> list[int] | str | None:
    try:
        if path.is_dir():
            names = sorted(name for name in os.listdir(path) if not name.startswith("."))
            return hashlib.sha256("\n".join(names).encode()).hexdigest()
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
