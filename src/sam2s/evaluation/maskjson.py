"""Masks out of JSON: YouTube-VIS (`videos`), COCO (`images`), bare lists of results for either, and SA-V (`masklet`).

Masks are run lengths or, in YouTube-VIS and COCO, polygons. An object's id is its `object_id`, else `track_id` (also in
COCO's `attributes`), else, in YouTube-VIS, the annotation's `id`. A bare list of results has no frames of its own: they
are taken from the truth. Every message names the file and the entry.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sam2s.errors import DatasetError
from sam2s.evaluation.json_masks import JsonMasks, Shape, read_shape
from sam2s.evaluation.maskset import VideoMasks, frame_key
from sam2s.files import natural
from sam2s.limits import MAX_TEXT_BYTES

SAV_TRUTH = "_manual.json"
"""End of the names of SA-V's hand-made masklets; one file a video."""
_SAV_EVERY = 4  # SA-V has 24 frames a second, of which every fourth is annotated

_Shapes = dict[int, Shape]


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
        whole = _load(truth)
        if not isinstance(whole, dict):
            raise DatasetError(f"{truth} is a bare list of results and cannot be the truth")
        content = {**whole, "annotations": content}
    if not isinstance(content, dict) or not ("masklet" in content or isinstance(content.get("annotations"), list)):
        raise DatasetError(f"{path} has no list 'annotations' or 'masklet': expected YouTube-VIS, COCO or SA-V")
    if "masklet" in content:
        videos = _masklets(content, path)
    elif "videos" in content:
        videos = _videos(content, path)
    elif "images" in content:
        videos = _images(content, path)
    else:
        raise DatasetError(f"{path} has neither 'videos' (YouTube-VIS) nor 'images' (COCO)")
    if not videos:
        raise DatasetError(f"{path} has no videos: its list 'videos' or 'images' is empty")
    return {name: videos[name] for name in sorted(videos, key=natural)}


def read_sav(folder: Path) -> dict[str, VideoMasks]:
    """Read the hand-made masklets of all SA-V videos in a folder, in natural order; none if there are none."""
    files = sorted(folder.glob(f"*{SAV_TRUTH}"), key=lambda path: natural(path.name))
    return {name: video for path in files for name, video in read_json(path).items()}


def _load(path: Path) -> Any:
    try:
        if (size := path.stat().st_size) > MAX_TEXT_BYTES:
            raise DatasetError(f"{path} has {size} bytes, more than the {MAX_TEXT_BYTES} that are read whole")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error


def _masklets(content: Mapping[str, Any], path: Path) -> dict[str, VideoMasks]:
    name = str(_get(content, "video_id", "the file", path))
    size = _size(content, "video_height", "video_width", "the file", path)
    ids = [_whole(i, "'masklet_id'", path) for i in _list(content, "masklet_id", "the file", path)]
    masks: dict[str, _Shapes] = {}
    for t, row in enumerate(_list(content, "masklet", "the file", path)):
        where = f"'masklet' {t}"
        if not isinstance(row, list) or len(row) > len(ids):
            count = len(row) if isinstance(row, list) else "no list of"
            raise DatasetError(f"{path}, {where}: {count} masks for {len(ids)} ids in 'masklet_id'")
        shapes = {i: read_shape(item, size, f"{path}, {where}, object {i}") for i, item in zip(ids, row, strict=False)}
        masks[str(_SAV_EVERY * t)] = {i: shape for i, shape in shapes.items() if shape is not None}
    return {name: JsonMasks(masks, size, f"{path}, video {name}")}


def _videos(content: Mapping[str, Any], path: Path) -> dict[str, VideoMasks]:
    names: dict[Any, str] = {}
    masks: dict[Any, dict[str, _Shapes]] = {}
    sizes: dict[Any, tuple[int, int] | None] = {}
    for number, video in _entries(content, "videos", path):
        where = f"'videos' {number}"
        video_id = _key(_get(video, "id", where, path), where, path)
        files = [_path(file, where, path) for file in _list(video, "file_names", where, path, default=[])]
        length = 0 if files else _whole(_get(video, "length", where, path), f"{where}, 'length'", path)
        keys = [frame_key(file.stem) for file in files] or [str(t) for t in range(length)]
        if len(set(keys)) < len(keys):
            repeated = next(key for key, count in Counter(keys).items() if count > 1)
            raise DatasetError(f"{path}, {where}: two of its frames are called {repeated}")
        folder = str(files[0].parent) if files and files[0].parent.name else str(video_id)
        name = str(video.get("name") or folder)
        if video_id in names or name in names.values():
            raise DatasetError(f"{path}, {where}: two videos have the id {video_id!r} or the name {name!r}")
        names[video_id], masks[video_id] = name, {key: {} for key in keys}
        sizes[video_id] = _size(video, "height", "width", where, path)
    for number, entry in _entries(content, "annotations", path):
        where = f"'annotations' {number}"
        video_id = _key(_get(entry, "video_id", where, path), where, path)
        object_id = _object_id(entry, where, path, fallback=entry.get("id"))
        if video_id not in names:
            raise DatasetError(
                f"{path}, {where}: object {object_id} is of video {video_id!r}, which is not in 'videos'"
            )
        shapes, frames = _list(entry, "segmentations", where, path), masks[video_id]
        if len(shapes) != len(frames):
            raise DatasetError(
                f"{path}: object {object_id} of video {video_id} has {len(shapes)} segmentations, the video "
                f"{len(frames)} frames"
            )
        for key, item in zip(frames, shapes, strict=True):
            _add(frames[key], object_id, item, sizes[video_id], f"{path}, video {names[video_id]}, frame {key}")
    return {name: JsonMasks(masks[i], sizes[i], f"{path}, video {name}") for i, name in names.items()}


def _images(content: Mapping[str, Any], path: Path) -> dict[str, VideoMasks]:
    frames: dict[Any, tuple[str, str, _Shapes]] = {}
    videos: dict[str, dict[str, _Shapes]] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    images = [
        (_path(_get(image, "file_name", f"'images' {number}", path), f"'images' {number}", path), number, image)
        for number, image in _entries(content, "images", path)
    ]
    for file, number, image in sorted(images, key=lambda item: natural(str(item[0]))):
        where = f"'images' {number}"
        video, key = str(file.parent) if file.parent.name else path.stem, frame_key(file.stem)
        size = _size(image, "height", "width", where, path)
        if sizes.setdefault(video, size) != size:
            raise DatasetError(f"{path}, {where}: {file} has another size than images of {video} before it")
        if key in videos.setdefault(video, {}):
            raise DatasetError(f"{path}, {where}: {file} is frame {key} of {video} a second time")
        image_id = _key(_get(image, "id", where, path), where, path)
        frames[image_id] = video, key, videos[video].setdefault(key, {})
    for number, entry in _entries(content, "annotations", path):
        where = f"'annotations' {number}"
        image_id = _key(_get(entry, "image_id", where, path), where, path)
        if image_id not in frames:
            raise DatasetError(f"{path}, {where}: it is of image {image_id!r}, which is not in 'images'")
        video, key, frame = frames[image_id]
        object_id = _object_id(entry, where, path)
        item = _get(entry, "segmentation", where, path)
        _add(frame, object_id, item, sizes[video], f"{path}, video {video}, frame {key}")
    return {video: JsonMasks(masks, sizes[video], f"{path}, video {video}") for video, masks in videos.items()}


def _add(frame: _Shapes, object_id: int, item: Any, size: tuple[int, int] | None, where: str) -> None:
    shape = read_shape(item, size, f"{where}, object {object_id}")
    if shape is None:
        return
    if object_id in frame:
        raise DatasetError(f"{where}: object {object_id} comes twice on one frame; ids must be unique in a video")
    frame[object_id] = shape


def _object_id(entry: Mapping[str, Any], where: str, path: Path, fallback: Any = None) -> int:
    attributes = entry.get("attributes")
    for place in (entry, attributes if isinstance(attributes, dict) else {}):
        for name in ("object_id", "track_id"):
            if name in place:
                return _whole(place[name], f"{where}, '{name}'", path)
    if fallback is None:
        raise DatasetError(
            f"{path}, {where} names no object; each needs 'object_id' or 'track_id' (or 'id' in YouTube-VIS)"
        )
    return _whole(fallback, f"{where}, 'id'", path)


def _entries(content: Mapping[str, Any], name: str, path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for number, entry in enumerate(_list(content, name, "the file", path)):
        if not isinstance(entry, dict):
            raise DatasetError(f"{path}, {name!r} {number} is {_short(entry)}, not an object with names and values")
        yield number, entry


def _get(entry: Mapping[str, Any], name: str, where: str, path: Path) -> Any:
    if name not in entry:
        raise DatasetError(f"{path}, {where} is incomplete: it has no {name!r}")
    return entry[name]


def _list(entry: Mapping[str, Any], name: str, where: str, path: Path, default: list[Any] | None = None) -> list[Any]:
    value = _get(entry, name, where, path) if default is None else entry.get(name) or default
    if not isinstance(value, list):
        raise DatasetError(f"{path}, {where}: {name!r} is {_short(value)}, not a list")
    return value


def _whole(value: Any, where: str, path: Path) -> int:
    """A whole number, also as a float or text that is one."""
    try:
        number = int(value) if not isinstance(value, bool) and float(value) == int(value) else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None:
        raise DatasetError(f"{path}, {where}: {_short(value)} is not a whole number; give numbers to objects and sizes")
    return number


def _size(entry: Mapping[str, Any], height: str, width: str, where: str, path: Path) -> tuple[int, int] | None:
    if entry.get(height) is None or entry.get(width) is None:
        return None
    size = _whole(entry[height], f"{where}, {height!r}", path), _whole(entry[width], f"{where}, {width!r}", path)
    if min(size) < 1:
        raise DatasetError(f"{path}, {where}: a size of {size[1]}x{size[0]}")
    return size


def _key(value: Any, where: str, path: Path) -> Any:
    if not isinstance(value, str | int):
        raise DatasetError(f"{path}, {where}: {_short(value)} is not an id; give a number or a text")
    return value


def _path(value: Any, where: str, path: Path) -> PurePosixPath:
    """A file name, with either kind of slash."""
    if not isinstance(value, str) or not value:
        raise DatasetError(f"{path}, {where}: {_short(value)} is not the name of a file")
    return PurePosixPath(value.replace("\\", "/"))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
