"""Archives that lie among the downloads still packed, and which source they hold."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path, PurePosixPath

from sam2s.sasv.raw import Adapter

_SUFFIXES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".001", ".z01")
_NAMES = 50_000  # how many names of an archive's content are looked at
_LISTED_BYTES = 2 << 30  # a compressed tar must be read whole to list it; larger ones are told by their name alone


def find_archives(root: Path, *, depth: int = 5) -> list[Path]:
    """All archives at most `depth` levels below a folder."""
    found = []
    for folder, folders, names in os.walk(root):
        if len(Path(folder).relative_to(root).parts) >= depth:
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        found += [Path(folder) / name for name in sorted(names) if Path(name).suffix.lower() in _SUFFIXES]
    return found


def archives_of(adapter: Adapter, archives: Iterable[Path]) -> list[Path]:
    """The archives that hold files of a source, by what lies in them or else by their name."""
    return [path for path in archives if _holds(path, adapter)]


def _holds(path: Path, adapter: Adapter) -> bool:
    patterns = [pattern for file in adapter.FORM.files if file.telling for pattern in file.patterns]
    names = list(islice(archive_names(path), _NAMES))
    if names:
        return any(PurePosixPath(name).match(pattern) for pattern in patterns for name in names)
    plain = "".join(char for char in path.name.lower() if char.isalnum())
    by_name = any(fnmatch(path.name.lower(), pattern.lower()) for pattern in adapter.FORM.archives)
    return by_name or any(word in plain for word in adapter.FORM.words)


def is_broken(path: Path) -> bool:
    """Whether a zip or tar archive cannot be opened, most likely because its download was cut short."""
    name = path.name.lower()
    if name.endswith(".zip"):
        return not zipfile.is_zipfile(path)
    if name.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")):
        try:
            return not tarfile.is_tarfile(path)
        except (OSError, EOFError, ValueError, tarfile.TarError):
            return True
    return False


def archive_names(path: Path) -> Iterator[str]:
    """Names of the files in a zip or tar archive; none of one that cannot be read or is of another kind."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from archive.namelist()
        elif path.stat().st_size <= _LISTED_BYTES and tarfile.is_tarfile(path):
            with tarfile.open(path) as archive_of_tar:
                for member in archive_of_tar:
                    yield member.name
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, tarfile.TarError):
        return
