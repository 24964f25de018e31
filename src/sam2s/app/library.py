"""The videos of the served folder and the workspaces that belong to them; nothing outside the folder."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sam2s.app.problems import ApiError
from sam2s.app.settings import AppSettings
from sam2s.app.workspace_access import Summaries
from sam2s.files import natural
from sam2s.video.folder import IMAGE_SUFFIXES
from sam2s.workspace import FILE as WORKSPACE

VIDEO_SUFFIXES = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv"),
        *(".ogv", ".mxf", ".vob", ".dcm", ".dicom", ".npy"),
    )
)
"""Files that are listed as videos."""
_DEPTH = 4
_FEWEST_IMAGES = 2


@dataclass(frozen=True, slots=True)
class VideoEntry:
    """A video that may be opened.

    Attributes:
        id: stands for it in addresses; depends on the place of the video under the served folder alone.
        path: the file or folder of images.
        workspace: the folder in which its workspace lies, or will lie.
    """

    id: str
    path: Path
    workspace: Path

    @property
    def name(self) -> str:
        """What people call it."""
        return self.path.name


class Library:
    """Finds videos and workspaces under one folder."""

    def __init__(self, settings: AppSettings, summaries: Summaries) -> None:
        self._summaries = summaries
        self.root = settings.folder.resolve()
        self._most = settings.limits.library_entries
        self._lock = threading.Lock()
        self._entries: dict[str, VideoEntry] = {}

    def entries(self) -> list[VideoEntry]:
        """Look through the folder; by name, numbers in names as numbers."""
        videos, workspaces = self._walk()
        owned: dict[Path, Path] = {}
        for folder in sorted(workspaces, key=_changed):  # the one written last wins
            video = self._video_of(folder)
            if video is not None:
                owned[video] = folder
        for video in owned:
            if video not in videos:
                videos.append(video)
        videos.sort(key=lambda path: natural(self.relative(path)))
        found = [self._entry(path, owned.get(path)) for path in videos[: self._most]]
        with self._lock:
            self._entries = {entry.id: entry for entry in found}
        return found

    def find(self, video_id: str) -> VideoEntry:
        """Return the video of an id.

        Raises:
            ApiError: there is none, or it has left the folder.
        """
        entry = self._entries.get(video_id)
        if entry is None:
            self.entries()
            entry = self._entries.get(video_id)
        if entry is None or not entry.path.exists():
            raise ApiError("not-found", f"there is no video {video_id!r} in the served folder; list them again")
        self.confined(entry.path)
        self.confined(entry.workspace)
        if entry.path.is_dir():
            for one in _entries(entry.path):
                if one.is_symlink():
                    self.confined(entry.path / one.name)
        return entry

    def entry_of(self, path: Path) -> VideoEntry:
        """Return the entry of a video by its path.

        Raises:
            ApiError: it lies outside the served folder.
        """
        real = self.confined(path)
        for entry in self.entries():
            if entry.path == real:
                return entry
        entry = self._entry(real, None)
        with self._lock:
            self._entries[entry.id] = entry
        return entry

    def confined(self, path: Path) -> Path:
        """Resolve a path, links and all, and refuse what leaves the served folder.

        Raises:
            ApiError: it lies outside.
        """
        real = path.resolve()
        if real != self.root and self.root not in real.parents:
            raise ApiError("forbidden", f"{path.name} lies outside the served folder, and so do links that lead there")
        return real

    def relative(self, path: Path) -> str:
        """A path as it is shown, below the served folder."""
        return path.relative_to(self.root).as_posix()

    def _entry(self, path: Path, workspace: Path | None) -> VideoEntry:
        place = self.relative(path)
        digest = hashlib.blake2b(place.encode(), digest_size=8).hexdigest()
        return VideoEntry(digest, path, workspace or path.parent / f"{path.name}.sam2s")

    def _video_of(self, folder: Path) -> Path | None:
        path = self._summaries.video_path(folder)
        if path is None:
            return None
        for candidate in (path, folder.parent / path.name, folder.parent.parent / path.name):
            try:
                real = self.confined(candidate)
            except (ApiError, OSError):
                continue
            if real.exists():
                return real
        return None

    def _walk(self) -> tuple[list[Path], list[Path]]:
        """All videos and workspaces down to a few levels; links that lead out of the folder are passed over."""
        videos: list[Path] = []
        workspaces: list[Path] = []
        waiting = [(self.root, 0)]
        while waiting and len(videos) < self._most:
            folder, depth = waiting.pop(0)
            images: list[Path] = []
            for entry in _entries(folder):
                path = folder / entry.name
                suffix = path.suffix.lower()
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink() and not self._inside(path):
                    continue
                if entry.is_dir():
                    if (path / WORKSPACE).exists():
                        workspaces.append(path)
                    elif depth < _DEPTH:
                        waiting.append((path, depth + 1))
                elif suffix in VIDEO_SUFFIXES:
                    videos.append(path.resolve())
                elif suffix in IMAGE_SUFFIXES:
                    images.append(path)
            if len(images) >= _FEWEST_IMAGES and not _is_label_map(images[0]):
                videos.append(folder)
        if (self.root / WORKSPACE).exists():
            workspaces.append(self.root)
        return list(dict.fromkeys(videos)), workspaces

    def _inside(self, path: Path) -> bool:
        try:
            self.confined(path)
        except (ApiError, OSError):
            return False
        return True


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            yield from sorted(listing, key=lambda entry: entry.name)
    except OSError:
        return


def _is_label_map(path: Path) -> bool:
    """Whether a picture is a label map, an indexed PNG, as the masks of a data set are; its header says so."""
    if path.suffix.lower() != ".png":
        return False
    try:
        with Image.open(path) as picture:
            return picture.mode == "P"
    except (OSError, ValueError, Image.DecompressionBombError):
        return False


def _changed(folder: Path) -> float:
    try:
        return (folder / WORKSPACE).stat().st_mtime
    except OSError:
        return 0.0
