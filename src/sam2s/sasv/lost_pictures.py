"""Masks of a mapping file that have no picture: the sign of a copy that is not whole."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from sam2s.sasv.path_template import PathTemplate
from sam2s.sasv.raw import RawVideo, SourceInfo, Split


def video_name(values: dict[str, str], *, images: bool) -> str:
    """Name of the video that the fields of a path belong to; where every picture stands alone, all of them."""
    return re.sub(r"[^\w.-]", "-", "-".join(values.values()) if images else values["video"])


def find_lost_pictures(
    folder: Path, masks: Iterable[PathTemplate], pictures: Sequence[dict[str, str]], *, images: bool
) -> dict[str, set[int]]:
    """Numbers of the frames of which a mask is there and no picture, by video.

    Args:
        folder: that paths are relative to.
        masks: paths of masks; one that does not name video and frame tells nothing.
        pictures: fields of every picture.
        images: whether every picture stands alone.
    """
    lost: dict[str, set[int]] = defaultdict(set)
    for template in masks:
        keys = sorted(template.fields - {"object"})
        if not ({"frame"} if images else {"frame", "video"}) <= set(keys):
            continue
        there = {tuple(values[key] for key in keys) for values in pictures}
        for _, values in template.matches(folder):
            if tuple(values[key] for key in keys) not in there:
                named = {key: value for key, value in values.items() if key != "object"}
                lost[video_name(named, images=images)].add(int(values["frame"]))
    return lost


def lost_video(name: str, masks: int, images: PathTemplate, info: SourceInfo, split: Split) -> RawVideo:
    """A video all of whose pictures are gone, with that problem.

    Args:
        name: of the video.
        masks: how many there are of it.
        images: where its pictures should be.
        info: of the source.
        split: that the video belongs to.
    """
    problem = f"{masks} masks are there without a picture that fits images: {images.text!r}"
    return RawVideo(name, info.subsets[0], split, f"{info.name}:{name}", problem=problem)
