"""Looking at a folder of downloads once, and saying of every source what is there, what is missing and what to do."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.sasv.completeness import shortfalls
from sam2s.sasv.packed import archives_of, find_archives, is_broken
from sam2s.sasv.raw import Adapter, FileForm, PublishedPart, RawVideo, SourceInfo
from sam2s.sasv.reading import glob_any_case, locate, subfolders
from sam2s.sasv.registry import all_adapters, list_videos, published_parts

_DEPTH = 3  # levels below the root that readers look at
_DEEPEST = 8  # levels that are looked at to say where something lies
_NAMED = 8  # problems of videos that are told one by one

log = logging.getLogger(__name__)


@dataclass
class SourceCheck:
    """What was found of one source.

    Attributes:
        info: the source.
        folder: where it lies, or None.
        videos: how many can be built, of those that SA-SV takes.
        frames: their frames.
        known: whether it is known what a complete copy holds.
        missing: what a complete copy would have more.
        problems: what is wrong with files that are there.
        advice: what to do.
    """

    info: SourceInfo
    folder: Path | None = None
    videos: int = 0
    frames: int = 0
    known: bool = True
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """One of complete, found (nobody knows what is complete), incomplete, wrong, not usable, not there."""
        if self.folder is None:
            return "not usable" if self.problems or self.advice else "not there"
        if self.problems:
            return "wrong"
        return "incomplete" if self.missing else "complete" if self.known else "found"


def check_downloads(root: Path) -> list[SourceCheck]:
    """Look at everything below a folder once. Reads lists and names, no pixels.

    Raises:
        DatasetError: it is not a folder.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the one that holds the unpacked downloads")
    archives = find_archives(root)
    checks = [_check_source(adapter, root, archives) for adapter in all_adapters().values()]
    for check in checks:
        if check.state in ("complete", "found"):
            check.advice = []
    return checks


def _check_source(adapter: Adapter, root: Path, archives: Sequence[Path]) -> SourceCheck:
    check = SourceCheck(adapter.INFO)
    try:
        check.folder = adapter.find(root)
        if check.folder is not None:
            videos = list_videos(adapter, check.folder)
            _count(check, videos)
            parts = published_parts(adapter, check.folder)
            check.known = any(part.frames or part.count or part.groups or part.masks for part in parts)
            check.missing = [str(s) for s in shortfalls(parts, videos, adapter.INFO.subsets)]
            check.advice += _misnamed_groups(parts, check.folder) if check.missing else []
    except DatasetError as error:
        check.problems.append(str(error))
    except Exception as error:  # a fault in one source's files must not hide the others
        log.debug("checking %s", adapter.INFO.name, exc_info=True)
        check.problems.append(f"its files cannot be listed: {type(error).__name__}: {error}")
    packed = archives_of(adapter, archives)
    if packed:
        names = ", ".join(str(path.relative_to(root)) for path in packed)
        check.advice.append(f"still packed: {names}; unpack {'it' if len(packed) == 1 else 'them'} there")
        if broken := [str(path.relative_to(root)) for path in packed if is_broken(path)]:
            check.advice.append(f"cannot be opened: {', '.join(broken)}; download again what was cut short")
    if check.folder is None:
        check.advice += _elsewhere(adapter, root) or _halves(adapter, root)
    elif check.missing and not packed:
        check.advice.append("unpack the rest of the download, or build what is there with --partial")
    return check


def _misnamed_groups(parts: Sequence[PublishedPart], folder: Path) -> list[str]:
    """Folders that bear the name of a video, organ or case but for case and signs."""
    known = {_plain(group): group for part in parts for group in part.groups}
    names = {path.name: path for path in _folders(folder, 3)} if folder.is_dir() else {}
    return [
        f"{name!r} in {path.parent} looks like a misnamed {known[_plain(name)]!r}: rename it"
        for name, path in names.items()
        if _plain(name) in known and name not in known.values() and known[_plain(name)] not in names
    ]


def _count(check: SourceCheck, videos: Sequence[RawVideo]) -> None:
    """Count what can be built, and list what is wrong, each thing once."""
    for video in videos:
        if video.subset is not None and not video.problem:
            check.videos += 1
            check.frames += video.length
    wrong = [video for video in videos if video.problem]
    check.problems += [f"{video.name}: {video.problem}" for video in wrong[:_NAMED]]
    if len(wrong) > _NAMED:
        names = ", ".join(video.name for video in wrong[_NAMED:][:40])
        check.problems.append(f"and the same or other things with {len(wrong) - _NAMED} more: {names}")


def _elsewhere(adapter: Adapter, root: Path) -> list[str]:
    """Where a source lies that is whole but not where readers look: deeper, or around the folder that was given."""
    for outer in (root.absolute().parent, root.absolute().parent.parent):
        inner = root.absolute().relative_to(outer).parts
        if _is_whole(adapter, outer) and any(_leads(inner, p) for f in adapter.FORM.files for p in f.patterns):
            return [f"{root} is a folder inside it: give {outer} instead"]
    places = _places(adapter, root)
    needed = [file for file in adapter.FORM.files if file.needed and file.patterns]
    folders = {places[file] for file in needed if file in places}
    if needed and all(file in places for file in needed) and len(folders) == 1:
        (folder,) = folders
        if len(folder.relative_to(root).parts) > _DEPTH:
            return [f"too deep: it lies in {folder}, readers look {_DEPTH} folders deep; move it up or give {folder}"]
    return []


def _leads(parts: Sequence[str], pattern: str) -> bool:
    """Whether a pattern goes through these folders."""
    levels = pattern.split("/")[:-1]
    return len(parts) <= len(levels) and all(fnmatch(part, level) for part, level in zip(parts, levels, strict=False))


def _is_whole(adapter: Adapter, folder: Path) -> bool:
    """Whether every kind of file that is needed lies right in a folder."""
    needed = [file for file in adapter.FORM.files if file.needed and file.patterns]
    return bool(needed) and all(any(next(glob_any_case(folder, p), None) for p in file.patterns) for file in needed)


def _places(adapter: Adapter, root: Path) -> dict[FileForm, Path]:
    """For every kind of file that is there, the folder in which its pattern finds it."""
    places = {}
    for file in adapter.FORM.files:
        for pattern in file.patterns:
            if folder := locate(root, pattern, depth=_DEEPEST):
                places[file] = folder
                break
    return places


def _halves(adapter: Adapter, root: Path) -> list[str]:
    """What is there of a source that lacks a kind of file, with names that are nearly right."""
    files = [file for file in adapter.FORM.files if file.needed and file.patterns]
    named = [folder for folder in _folders(root) if any(word in _plain(folder.name) for word in adapter.FORM.words)]
    places = _places(adapter, root)
    telling = [file for file in files if file.telling and file in places]
    if telling:
        tops = [places[telling[0]]]
    elif named:
        tops = named[:1]
    else:
        return []
    lines = []
    for file in files:
        if not any(next(glob_any_case(top, pattern), None) for top in tops for pattern in file.patterns):
            hint = next((h for top in tops for pattern in file.patterns if (h := _near(top, pattern))), "")
            lines.append(f"half of it: {tops[0]} has no {file.path} ({file.holds}){hint}")
    return lines


def _near(top: Path, pattern: str) -> str:
    """What lies in the place of the first part of a pattern that finds nothing, "" where nothing is like it."""
    folder = top
    for part in pattern.split("/"):
        here = next(glob_any_case(folder, part), None)
        if here is not None:
            folder = here
            continue
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        by_plain = {_plain(name): name for name in names}
        close = difflib.get_close_matches(_plain(part), list(by_plain), n=1, cutoff=0.7)
        if close:
            return f"; {by_plain[close[0]]!r} in {folder} looks like a misnamed {part!r}: rename it"
        if "*" not in part:
            return ""
        suffixes = sorted({Path(name).suffix for name in names if Path(name).suffix})
        return f"; {folder} has only {', '.join(suffixes)} files" if suffixes else ""
    return ""


def _folders(root: Path, depth: int = _DEEPEST) -> Iterator[Path]:
    level = [root]
    for _ in range(depth + 1):
        yield from level
        level = [child for folder in level for child in subfolders(folder)]


def _plain(name: str) -> str:
    """A name without case, blanks and signs."""
    return "".join(char for char in name.lower() if char.isalnum())
