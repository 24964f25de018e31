"""Masks out of JSON: YouTube-VIS (`videos`), COCO (`images`), bare lists of results for either, and SA-V (`masklet`).

Masks are run lengths or, in YouTube-VIS and COCO, polygons. An object's id is its `object_id`, else `track_id` (also in
COCO's `attributes`), else, in YouTube-VIS, the annotation's `id`. A bare list of results has no frames of its own: they
are taken from the truth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sam2s.errors import DatasetError
from sam2s.evaluation.maskset import Outlined, Polygons, VideoMasks, frame_key
from sam2s.files import natural
from sam2s.masks.rle import Rle

SAV_TRUTH = "_manual.json"
"""End of the names of SA-V's hand-made masklets; one file a video."""
_SAV_EVERY = 4  # SA-V has 24 frames a second, of which every fourth is annotated

_Shapes = dict[int, Rle | Polygons]


def read_json(path: Path, truth: Path | None = None) -> dict[str, VideoMasks]:
    """Read a JSON file of masks as videos by name, in natural order.

    Args:
        path: the file.
        truth: for a bare list of results, the file whose `videos` or `images` the results refer to.

    Raises:
        DatasetError: it is not JSON, of neither form, or an entry is incomplete.
    """
    content = _load(path)
    if isinstance(content, list):
        if truth is None or truth.suffix.lower() != ".json":
            raise DatasetError(
                f"{path} is a bare list of results: its frames are only known if the truth is a .json file too"
            )
        content = {**_load(truth), "annotations": content}
    sav = isinstance(content, dict) and "masklet" in content
    if not sav and not (isinstance(content, dict) and isinstance(content.get("annotations"), list)):
        raise DatasetError(f"{path} has no list 'annotations' or 'masklet': expected YouTube-VIS, COCO or SA-V")
    try:
        if sav:
            return {content["video_id"]: _masklets(content)}
        if "videos" in content:
            return _videos(content, path)
        if "images" in content:
            return _images(content, path)
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} has an incomplete entry: {type(error).__name__} {error}") from error
    raise DatasetError(f"{path} has neither 'videos' (YouTube-VIS) nor 'images' (COCO)")


def read_sav(folder: Path) -> dict[str, VideoMasks]:
    """Read the hand-made masklets of all SA-V videos in a folder, in natural order; none if there are none."""
    files = sorted(folder.glob(f"*{SAV_TRUTH}"), key=lambda path: natural(path.name))
    return {name: video for path in files for name, video in read_json(path).items()}


def _masklets(content: Mapping[str, Any]) -> VideoMasks:
    ids = [int(object_id) for object_id in content["masklet_id"]]
    size = int(content["video_height"]), int(content["video_width"])
    masks: dict[str, _Shapes] = {
        str(_SAV_EVERY * t): {i: shape for i, shape in zip(ids, row, strict=False) if shape}
        for t, row in enumerate(content["masklet"])
    }
    return Outlined(masks, size)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error


def _videos(content: Mapping[str, Any], path: Path) -> dict[str, VideoMasks]:
    keys: dict[Any, list[str]] = {}
    named: dict[str, VideoMasks] = {}
    masks: dict[Any, dict[str, _Shapes]] = {}
    shapes: dict[Any, tuple[int, int] | None] = {}
    for video in content["videos"]:
        files = [PurePosixPath(name) for name in video.get("file_names", [])]
        keys[video["id"]] = [frame_key(file.stem) for file in files] or [str(t) for t in range(video["length"])]
        masks[video["id"]] = {key: {} for key in keys[video["id"]]}
        name = video.get("name") or (str(files[0].parent) if files and files[0].parent.name else str(video["id"]))
        shapes[video["id"]] = _size(video)
        named[name] = Outlined(masks[video["id"]], shapes[video["id"]])
    for entry in content["annotations"]:
        video_id, object_id = entry["video_id"], _object_id(entry, path, fallback=entry.get("id"))
        if video_id not in keys:
            raise DatasetError(f"{path}: object {object_id} belongs to video {video_id!r}, which is not in 'videos'")
        if len(entry["segmentations"]) != len(keys[video_id]):
            raise DatasetError(
                f"{path}: object {object_id} of video {video_id} has {len(entry['segmentations'])} segmentations, "
                f"the video {len(keys[video_id])} frames"
            )
        for key, runs in zip(keys[video_id], entry["segmentations"], strict=True):
            _add(masks[video_id][key], object_id, runs, shapes[video_id], path)
    return _sorted(named)


def _images(content: Mapping[str, Any], path: Path) -> dict[str, VideoMasks]:
    frames: dict[Any, tuple[_Shapes, tuple[int, int] | None]] = {}
    videos: dict[str, dict[str, _Shapes]] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    for image in sorted(content["images"], key=lambda image: natural(image["file_name"])):
        file = PurePosixPath(image["file_name"])
        video = str(file.parent) if file.parent.name else path.stem
        sizes[video] = _size(image)
        frames[image["id"]] = videos.setdefault(video, {}).setdefault(frame_key(file.stem), {}), sizes[video]
    for entry in content["annotations"]:
        if entry["image_id"] not in frames:
            raise DatasetError(
                f"{path}: an annotation belongs to image {entry['image_id']!r}, which is not in 'images'"
            )
        frame, size = frames[entry["image_id"]]
        _add(frame, _object_id(entry, path), entry["segmentation"], size, path)
    return _sorted({video: Outlined(masks, sizes[video]) for video, masks in videos.items()})


def _object_id(entry: Mapping[str, Any], path: Path, fallback: int | None = None) -> int:
    for place in (entry, entry.get("attributes", {})):
        for name in ("object_id", "track_id"):
            if name in place:
                return int(place[name])
    if fallback is None:
        raise DatasetError(
            f"{path}: an entry names no object; each needs 'object_id' or 'track_id' (or 'id' in YouTube-VIS)"
        )
    return int(fallback)


def _add(frame: _Shapes, object_id: int, shape: Any, size: tuple[int, int] | None, path: Path) -> None:
    if shape is None:
        return
    if object_id in frame:
        raise DatasetError(f"{path}: object {object_id} comes twice on one frame; ids must be unique in a video")
    if isinstance(shape, dict):
        frame[object_id] = {"size": shape["size"], "counts": shape["counts"]}
    elif size is None:
        raise DatasetError(f"{path}: object {object_id} has a polygon; its video or image needs 'height' and 'width'")
    else:
        frame[object_id] = Polygons(shape, size)


def _size(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    return (int(entry["height"]), int(entry["width"])) if "height" in entry and "width" in entry else None


def _sorted(videos: Mapping[str, VideoMasks]) -> dict[str, VideoMasks]:
    return {name: videos[name] for name in sorted(videos, key=natural)}
