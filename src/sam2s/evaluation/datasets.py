"""Finds the videos with known masks in what `--data` names: built sets, folders of sequences, generated clips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from sam2s.errors import ConfigError, DatasetError
from sam2s.evaluation.synthetic import synthetic
from sam2s.evaluation.videos import EvalVideo, FolderVideo, SasvVideo
from sam2s.formats.davis_sets import davis_videos, is_davis_set
from sam2s.formats.folders import find_sequences
from sam2s.sasv.masklets import MANIFEST, MaskletDataset, MaskletVideo, missing_by_subset, read_manifest
from sam2s.sasv.splits import assigned_splits


def open_videos(
    data: Iterable[str],
    *,
    split: str | None = None,
    split_file: Path | None = None,
    subsets: Iterable[str] = (),
    void: int | Literal["auto"] | None = "auto",
) -> list[EvalVideo]:
    """Open everything that is to be evaluated.

    Args:
        data: folders, or `synthetic:N`.
        split: part of built sets ("test" by default), or of sets with lists in ImageSets (all videos by default).
        split_file: what `sam2s sasv split` wrote; takes the place of the parts in built sets.
        subsets: take only objects of these subsets.
        void: value of pixels that nobody decided, in folders of label maps; "auto": 255, in a video that has other ids
            too.

    Raises:
        ConfigError: a place does not exist, or two hold videos of one name.
        DatasetError: there is nothing to evaluate.
    """
    wanted = set(subsets)
    videos = [video for place in data for video in _open(place, split, split_file, wanted, void)]
    names = [video.name for video in videos]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"{len(repeated)} videos come up twice in --data, such as {min(repeated)}; rename a folder")
    if not videos:
        raise DatasetError(f"no video of --subset {', '.join(sorted(wanted))} in --data {', '.join(data)}")
    return videos


def incomplete_subsets(data: Iterable[str], videos: Sequence[EvalVideo]) -> dict[str, str]:
    """Subsets of SA-SV among the videos of which a built set holds only a part, and what is missing."""
    subsets = {video.video.subset for video in videos if isinstance(video, SasvVideo)}
    incomplete: dict[str, str] = {}
    for place in data:
        if (Path(place) / MANIFEST).is_file():
            incomplete |= missing_by_subset(read_manifest(Path(place)))
    return {name: text for name, text in incomplete.items() if name in subsets}


def partial_columns(incomplete: Mapping[str, str], videos: Sequence[EvalVideo]) -> frozenset[str]:
    """Columns of the tables that such subsets fill."""
    parts = [video for video in videos if isinstance(video, SasvVideo) and video.video.subset in incomplete]
    return frozenset(column for video in parts for column in video.columns)


def _open(
    place: str, split: str | None, split_file: Path | None, wanted: set[str], void: int | Literal["auto"] | None
) -> list[EvalVideo]:
    kind, _, number = place.partition(":")
    if kind == "synthetic":
        if not number.isdecimal() or not int(number):
            raise ConfigError(f"--data {place} is not synthetic:N with a number of clips, such as synthetic:20")
        return list(synthetic(int(number))) if not wanted or "synthetic" in wanted else []
    root = Path(place)
    if not root.is_dir():
        raise ConfigError(f"--data {place} is not a folder; give a built set, a folder of sequences, or synthetic:N")
    if split_file and not (root / MANIFEST).exists():
        raise ConfigError(f"--split-file is for built sets; {place} is none")
    if (root / MANIFEST).exists():
        return _built(root, split or "test", split_file, wanted)
    home = root.resolve().name
    if is_davis_set(root):
        folders = [(home, video.name, video.pictures, video.masks) for video in davis_videos(root, split=split)]
    elif split:
        raise DatasetError(
            f"--data {place} has no splits: it is neither a built set nor does it hold JPEGImages and ImageSets; "
            "leave --split out, or name the folder of that split"
        )
    else:
        folders = [
            (s.subset or home, s.name.rpartition("/")[2], s.folder / "frames", s.folder / "masks")
            for s in find_sequences(root)
        ]
    return [
        FolderVideo(f"{subset}/{name}", subset, frames, masks, void)
        for subset, name, frames, masks in folders
        if not wanted or subset in wanted
    ]


def _built(root: Path, split: str, split_file: Path | None, wanted: set[str]) -> list[EvalVideo]:
    dataset = MaskletDataset(root, split=split, images=False, split_file=split_file)
    if not len(dataset):
        splits = sorted(set(assigned_splits(dataset.manifest["videos"], split_file).values()))
        raise DatasetError(f"{root} has no videos of --split {split}; its splits are {', '.join(splits)}")
    videos: list[EvalVideo] = []
    for video in dataset:
        columns = {o.id: _column(video, o.kind) for o in video.objects}
        objects = {i: column for i, column in columns.items() if not wanted or column in wanted}
        if objects:
            videos.append(SasvVideo(video, objects))
    return videos


def _column(video: MaskletVideo, kind: str) -> str:
    """Column of the paper's tables: EndoVis18 is two, instruments and tissue."""
    if video.subset == "EndoVis18":
        return "EV18-I" if kind == "instrument" else "EV18-T"
    return "EV17" if video.subset == "EndoVis17" else video.subset or video.source
