"""Finding numbered sequences in downloads that come as several archives, unpacked side by side or into one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.sasv.reading import files, locate, subfolders

_DEPTH = 4


def holder(root: Path, *required: str) -> Path | None:
    """The folder around the archive in which the patterns are found first: the others are below it too."""
    found = locate(root, *required)
    return found if found in (None, root) else found.parent


def sequences(folder: Path, name: re.Pattern[str], depth: int = _DEPTH) -> Iterator[tuple[re.Match[str], Path]]:
    """Folders below `folder` whose whole name matches, in natural order; a match is not searched for further ones."""
    for child in subfolders(folder):
        if match := name.fullmatch(child.name):
            yield match, child
        elif depth > 1:
            yield from sequences(child, name, depth - 1)


def by_number(folder: Path, name: re.Pattern[str]) -> dict[int, Path]:
    """Files of a folder whose whole name matches, by the number in the first group, in the order of numbers.

    Raises:
        DatasetError: two files have one number, or the folder is missing or has no such file.
    """
    numbered: dict[int, Path] = {}
    for path in files(folder, ".png", ".jpg"):
        if match := name.fullmatch(path.name):
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
