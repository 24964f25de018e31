"""The weights that a server's folder has taught: where they lie, which are in use, what there is to learn from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sam2s.app.library import Library, VideoEntry
from sam2s.app.problems import ApiError
from sam2s.errors import Sam2sError
from sam2s.workspace import Workspace

if TYPE_CHECKING:
    from sam2s.teaching import TaughtFolder, TaughtWeights

LIST = "taught.json"


class Lineage:
    """What was taught from the weights that the server was started with.

    Args:
        root: the served folder.
        first: name or file of the weights that the server was started with.
    """

    def __init__(self, root: Path, first: str) -> None:
        self._library_root, self.first = root, first
        self.path = root / ".sam2s" / "taught" / _folder_name(first)

    @property
    def folder(self) -> TaughtFolder:
        """The list of taught weights."""
        from sam2s.teaching import TaughtFolder  # with all of training behind it, which a server need not load to start

        return TaughtFolder(self.path, self.first)

    @property
    def current(self) -> str:
        """Name or file of the weights to use, those of the start where a taught file is gone."""
        if not (self.path / LIST).exists():
            return self.first
        folder = self.folder
        number = folder.current_number
        return str(folder.path(number)) if number and folder.path(number).is_file() else self.first

    def number_of(self, weights: str) -> int:
        """Number of weights in the list, 0 for those of the start."""
        return next((taught.number for taught in self.taught() if str(self.folder.path(taught.number)) == weights), 0)

    def name_of(self, weights: str) -> str:
        """What people call weights: their name, their file, or "micro, taught 2"."""
        shown = Path(self.first).name
        if weights == self.first:
            return shown
        number = self.number_of(weights)
        return f"{shown}, taught {number}" if number else Path(weights).name

    def taught(self) -> list[TaughtWeights]:
        """All attempts, in order."""
        return self.folder.all() if (self.path / LIST).exists() else []

    def use(self, number: int) -> str:
        """Note other weights as those in use; returns their name or file.

        Raises:
            ApiError: there are none of this number, or their file is gone.
        """
        folder = self.folder
        there = [0, *(taught.number for taught in self.taught() if taught.taken)]
        if number not in there:
            raise ApiError(
                "not-found", f"there are no weights {number}; there are {', '.join(map(str, there))}", "number"
            )
        if number and not folder.path(number).is_file():
            raise ApiError(
                "not-found", f"the file of weights {number} is gone; there are others, or teach again", "number"
            )
        folder.use(number)
        return folder.current

    def pictures(self, number: int) -> list[Path]:
        """Pictures of masks before and after."""
        return sorted(self.folder.pictures(number).glob("*.jpg"))


def with_accepted(library: Library) -> list[tuple[VideoEntry, int]]:
    """Videos with accepted masks, and on how many frames there are some."""
    from sam2s.teaching.accepted_set import count_accepted

    found = []
    for entry in library.entries():
        if not Workspace.exists(entry.workspace):
            continue
        try:
            with Workspace.open(entry.workspace) as workspace:
                count = count_accepted(workspace)
        except Sam2sError:
            continue  # its card says what is wrong with it
        if count:
            found.append((entry, count))
    return found


def chosen(library: Library, video_ids: Sequence[str] | None) -> list[VideoEntry]:
    """The videos to learn from: those named, or all with accepted masks.

    Raises:
        ApiError: one is not there or has no accepted mask.
    """
    there = {entry.id: entry for entry, _ in with_accepted(library)}
    wanted = list(there) if video_ids is None else list(dict.fromkeys(video_ids))
    for video_id in wanted:
        if video_id not in there:
            entry = library.find(video_id)
            raise ApiError(
                "invalid", f"{entry.name} has no accepted mask; accept some (key A), or omit the video", "videos"
            )
    if not wanted:
        raise ApiError(
            "invalid", "nothing is accepted yet; accept spans of masks that are right (key A) first", "videos"
        )
    return [there[video_id] for video_id in wanted]


def _folder_name(first: str) -> str:
    """A folder for what is taught from weights: their name, and for a file a hash of its place."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", Path(first).stem if Path(first).suffix == ".safetensors" else first)[:60]
    if Path(first).is_file():
        name += "-" + hashlib.blake2b(str(Path(first).resolve()).encode(), digest_size=4).hexdigest()
    return name.strip(".-") or "weights"
