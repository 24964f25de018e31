"""Finding numbered sequences in downloads that come as several archives, unpacked side by side or into one another."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.sasv.reading import files, locate_all, subfolders

_DEPTH = 4


def holder(root: Path, *required: str, beside: str | None = None) -> Path | None:
    """The folder around every archive below `root` in which all patterns (relative globs) are found.

    Where there are such archives, those in which the pattern `beside` is found are below the folder too.
    """
    archives = list(locate_all(root, *required))
    if not archives or root in archives:
        return root if archives else None
    others = locate_all(root, beside) if beside else ()
    return Path(os.path.commonpath([*(archive.parent for archive in archives), *others]))


def sequences(
    folder: Path, name: re.Pattern[str], *wanted: str, depth: int = _DEPTH
) -> Iterator[tuple[re.Match[str], Path]]:
    """Folders at most `depth` levels below `folder` whose whole name matches, in natural order.

    A match is not searched for further ones, unless it holds none of the `wanted` folders: then an archive was unpacked
    into a folder of the same name.
    """
    for child in subfolders(folder):
        match = name.fullmatch(child.name)
        if match and (not wanted or any((child / inner).exists() for inner in wanted)):
            yield match, child
        elif depth > 1:
            yield from sequences(child, name, *wanted, depth=depth - 1)


def by_number(folder: Path, name: re.Pattern[str]) -> dict[int, Path]:
    """Files of a folder whose whole name matches, by the number in the first group, in the order of numbers.

    Raises:
        DatasetError: two files have one number, or the folder is missing or has no such file.
    """
    numbered: dict[int, Path] = {}
    for path in files(folder, ".png", ".jpg"):
        if match := name.fullmatch(path.stem + path.suffix.lower()):
            other = numbered.setdefault(int(match[1]), path)
            if other != path:
                raise DatasetError(
                    f"{path} and {other.name} have one frame number; remove the one that is not official"
                )
    if not numbered:
        raise DatasetError(f"{folder} has no files named like {name.pattern}; unpack the official download again")
    return dict(sorted(numbered.items()))


def only_one(first: Path | None, second: Path, what: str) -> Path:
    """The second path, if there is no first one.

    Raises:
        DatasetError: there is; both claim to be the same thing.
    """
    if first is not None:
        raise DatasetError(f"{what} stands twice, in {first} and in {second}; keep one of them below the data folder")
    return second


def gaps(numbers: Iterable[int], expected: Iterable[int] | None = None, step: int = 1) -> tuple[int, ...]:
    """Numbers that are missing among those expected, by default every `step` from the first to the last."""
    known = set(numbers)
    if expected is None:
        expected = range(min(known), max(known) + 1, step) if known else ()
    return tuple(sorted(set(expected) - known))
