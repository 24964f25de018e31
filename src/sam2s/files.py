"""Files on disk: written so that a crash leaves the old one or the new one, never half of either; and in order."""

from __future__ import annotations

import itertools
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sam2s.errors import OutputError

_HOST = re.sub(r"\W", "", platform.node())[:20] or "host"
_numbers = itertools.count()
_swept: set[Path] = set()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write a file or folder under; it takes the place of `path` at the end.

    After an error or an interruption inside the block the temporary one is removed and `path` is as before. A folder
    cannot be replaced in one act: the old one is renamed to `.old-NAME` first, and renamed back if the new one cannot
    take its place; should the machine stop between the two, the next call puts it back.

    Raises:
        OutputError: the disk is full, or the folder cannot be written.
    """
    if not path.name:
        raise OutputError(f"{str(path)!r} is not a name of a file or folder to write; choose another")
    # Unique, so that two threads or processes that write one file do not write into each other's.
    partial = path.with_name(f".partial-{_HOST}-{os.getpid()}-{next(_numbers)}-{path.name[-80:]}")
    old = path.with_name(f".old-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        if old.exists() and not path.exists():
            os.replace(old, path)
        yield partial
        if path.is_dir():
            _swap(partial, path, old)
        else:
            os.replace(partial, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        _remove(partial)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file and make it durable before it replaces the old one."""
    with replacing(path) as partial:
        partial.write_bytes(data)
        make_durable(partial)


def names_in(folder: Path) -> set[str]:
    """What a folder to write to holds already; nothing where there is none.

    Raises:
        OutputError: it is a file, or cannot be read.
    """
    try:
        return {entry.name for entry in folder.iterdir()}
    except FileNotFoundError:
        return set()
    except NotADirectoryError as error:
        raise OutputError(f"{folder} is a file, not a folder; choose another --out") from error
    except OSError as error:
        raise cannot_write(folder, error) from error


def walk_folders(root: Path, wanted: Callable[[str, Collection[str]], bool] | None = None) -> Iterator[Path]:
    """Yield a folder and all folders below it in natural order, also those behind links that lead in no circle.

    Hidden folders are left out.

    Args:
        root: the folder.
        wanted: asked with the name of each folder and those of all folders beside it; others are not gone into.
    """
    yield from _walk(root, wanted or (lambda name, siblings: True), frozenset())


def make_durable(path: Path) -> None:
    """Wait until the disk holds a file that was written and closed, so that a power cut cannot take it back."""
    with path.open("r+b") as file:  # Windows makes nothing durable that is open for reading only
        os.fsync(file.fileno())


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Say what kept us from writing `path`, and what to do."""
    return OutputError(f"cannot write {path}: {error.strerror or error}; free space there or choose another --out")


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key under which numbers within names count as numbers, and case decides only between equals."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts], name


def is_alive(process: int) -> bool:
    """Whether a process of this machine still runs."""
    if sys.platform == "win32":  # there a signal of number 0 would end the process
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, process)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # it belongs to somebody else
    return True


def _sweep(path: Path) -> None:
    """Remove what killed processes left beside a path: looks at a folder once, as it may hold very many files."""
    _remove(path.with_name(f".partial-{path.name}"))
    if path.parent in _swept:
        return
    _swept.add(path.parent)
    for entry in path.parent.glob(f".partial-{_HOST}-*"):
        process = entry.name.removeprefix(f".partial-{_HOST}-").partition("-")[0]
        if process.isdecimal() and not is_alive(int(process)):
            _remove(entry)


def _walk(folder: Path, wanted: Callable[[str, Collection[str]], bool], above: frozenset[str]) -> Iterator[Path]:
    place = os.path.realpath(folder)
    if place in above:
        return
    yield folder
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    for name in sorted(names, key=natural):
        if wanted(name, names):
            yield from _walk(folder / name, wanted, above | {place})


def _swap(new: Path, path: Path, old: Path) -> None:
    _remove(old)
    os.replace(path, old)
    try:
        os.replace(new, path)
    except BaseException:
        os.replace(old, path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()
