"""Sets laid out as DAVIS and YouTube-VOS are: JPEGImages, Annotations, and the lists of a split in ImageSets.

    SET/JPEGImages[/480p]/VIDEO/00000.jpg    SET/Annotations[/480p]/VIDEO/00000.png    SET/ImageSets/2017/val.txt

YouTube-VOS has one such set for each split: SET/train/JPEGImages and so on. A line of a list is the name of a video, or
the two paths of a frame (DAVIS 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from sam2s.errors import DatasetError
from sam2s.files import natural, walk_folders
from sam2s.picture_files import IMAGE_SUFFIXES


@dataclass(frozen=True)
class DavisVideo:
    """One video of such a set.

    Attributes:
        name: its folder's name; where several sets lie side by side, that of its set stands before it.
        home: the folder that holds JPEGImages and Annotations.
        pictures: folder of its frames.
        masks: folder of its label maps.
    """

    name: str
    home: Path
    pictures: Path
    masks: Path


@dataclass(frozen=True)
class SplitList:
    """One list of videos.

    Attributes:
        path: the file.
        names: the videos that it names.
    """

    path: Path
    names: frozenset[str]

    @property
    def split(self) -> str:
        """The split that it lists."""
        return self.path.stem


def is_davis_set(root: Path) -> bool:
    """Whether a folder, or a folder in it, holds JPEGImages and Annotations."""
    return bool(_homes(root))


def davis_videos(root: Path, *, split: str | None) -> list[DavisVideo]:
    """Videos of such a set, in natural order.

    Args:
        root: the set, or a folder with one for each split.
        split: name of a list in ImageSets, or of such a folder; all videos without. Where there is neither, the folder
            has no splits and all its videos are taken.

    Raises:
        DatasetError: there is no video of that split, two have one name, or the split's list names a video that is not
            there.
    """
    homes, lists = _homes(root), split_lists(root)
    named = {home.name: home for home in homes if home != root}
    taken = [named[split]] if split in named else homes
    known = sorted({entry.split for entry in lists} | named.keys(), key=natural)
    if split and known and split not in known:
        raise DatasetError(f"{root} has no split {split}; its splits are {', '.join(known)}")
    videos = [video for home in taken for video in _videos(home, named=len(taken) > 1)]
    mine = [entry for entry in lists if entry.split == split]
    if not mine:
        return videos
    there = {video.masks.name for video in videos}
    if problems := [text for entry in mine for text in unknown_names(entry, there)]:
        raise DatasetError("; ".join(problems))
    listed = frozenset().union(*(entry.names for entry in mine))
    return [video for video in videos if video.masks.name in listed]


def split_lists(root: Path) -> list[SplitList]:
    """The lists in ImageSets, of the set and of those in it.

    Raises:
        DatasetError: one cannot be read.
    """
    lists = []
    for home in dict.fromkeys([root, *_homes(root)]):
        for path in sorted(home.glob("ImageSets/**/*.txt")):
            try:
                lines = path.read_text("utf-8-sig").splitlines()
            except (OSError, ValueError) as error:
                raise DatasetError(f"cannot read {path}: {error}; it lists one video a line") from error
            lists.append(SplitList(path, frozenset(_name(line) for line in lines if line.strip())))
    return lists


def unknown_names(listed: SplitList, videos: set[str]) -> list[str]:
    """A sentence if a list names videos that are not there, with what may have been meant; else nothing."""
    unknown = sorted(listed.names - videos, key=natural)
    if not unknown:
        return []
    near = get_close_matches(unknown[0], videos, 1)
    meant = f" (is it {near[0]}?)" if near else ""
    count = "a video that is" if len(unknown) == 1 else f"{len(unknown)} videos that are"
    such = unknown[0] if len(unknown) == 1 else f"such as {unknown[0]}"
    return [f"{listed.path} names {count} not there, {such}{meant}; add the video or mend the list"]


def _homes(root: Path) -> list[Path]:
    if _is_home(root):
        return [root]
    return sorted((f for f in root.iterdir() if f.is_dir() and _is_home(f)), key=lambda f: natural(f.name))


def _is_home(folder: Path) -> bool:
    return (folder / "JPEGImages").is_dir() and (folder / "Annotations").is_dir()


def _videos(home: Path, *, named: bool) -> list[DavisVideo]:
    masks = home / "Annotations"
    by_name: dict[str, Path] = {}
    for folder in walk_folders(masks):
        if folder == masks or not any(file.suffix.lower() in IMAGE_SUFFIXES for file in folder.iterdir()):
            continue
        if (other := by_name.setdefault(folder.name, folder)) != folder:
            raise DatasetError(
                f"{other} and {folder} have one name, so lists of splits and meta.json cannot tell them apart; "
                f"rename one, or move it out of {masks}"
            )
    prefix = f"{home.name}/" if named else ""
    return [
        DavisVideo(prefix + name, home, home / "JPEGImages" / folder.relative_to(masks), folder)
        for name, folder in by_name.items()
    ]


def _name(line: str) -> str:
    """The video of a line: itself, or the folder of a frame's path."""
    first = line.split()[0].replace("\\", "/")
    path = PurePosixPath(first)
    return path.parent.name if path.suffix.lower() in IMAGE_SUFFIXES else path.name
