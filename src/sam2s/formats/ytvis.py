"""YouTube-VIS: one video, one annotation a track, whose masks, boxes and areas are lists over the frames."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.files import replacing
from sam2s.formats.coco import Categories, Read, category_names, file_name, head, write_list
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.shapes import ImportedShape, entry_of, frame_numbers, number_of, score_of, to_rle
from sam2s.masks import rle
from sam2s.masks.rle import Rle
from sam2s.tracking.mask_quality import from_bits, to_bits
from sam2s.workspace import ratio

_NUMBERS = np.dtype(
    [
        ("box", np.int32, 4),
        ("area", np.int32),
        ("score", np.float32),
        ("iou", float),
        ("doubt", float),
        ("alarms", np.int32),
    ]
)


def write_youtube_vis(read: Read, info: ExportInfo, path: Path, names: Mapping[int, str] | None = None) -> None:
    """Write one JSON file; the frames are gone over once for each object, so that no masks pile up.

    `video.frames` and `video.pts` name the frames that the lists run over. Where an object has no pixel, its entry is
    null. `score` is the mean predicted IoU over the frames where it is seen; `expected_ious`, `doubts` and `alarms` say
    of each frame how far the mask can be believed, null where nobody judged it.

    Args:
        read: goes over the frames in order.
        info: what the export says of the video and its objects.
        path: replaced when it exists.
        names: names of pictures by frame index, where there are files.
    """
    categories = Categories(info)
    video: dict[str, Any] = {"id": 1, "name": info.source, "height": info.size[0], "width": info.size[1]}
    frames, times, object_ids = [], [], dict[int, None]()
    for record in read():
        frames.append(record.index)
        times.append(ratio(record.pts))
        object_ids.update(dict.fromkeys(record.objects))
    files = [file_name(index, info, names) for index in frames]
    video |= {"fps": ratio(info.fps), "length": len(frames), "file_names": files, "frames": frames, "pts": times}

    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(f'{{"info": {json.dumps(head(info))},\n"videos": [{json.dumps(video)}],\n"annotations": [')
        for number, object_id in enumerate(object_ids):
            numbers = np.zeros(len(frames), _NUMBERS)
            numbers["iou"] = numbers["doubt"] = np.nan
            fixed = {
                "id": object_id,
                "video_id": 1,
                "category_id": categories.of(object_id),
                "track_id": object_id,
                "iscrowd": 0,
                "height": info.size[0],
                "width": info.size[1],
            }
            file.write(("," if number else "") + "\n" + json.dumps(fixed)[:-1] + ', "segmentations": ')
            write_list(file, _masks(read, object_id, numbers))
            seen = numbers["area"] > 0
            rest = {
                "bboxes": [box.tolist() if there else None for box, there in zip(numbers["box"], seen, strict=True)],
                "areas": [int(area) or None for area in numbers["area"]],
                "expected_ious": _or_null(numbers["iou"]),
                "doubts": _or_null(numbers["doubt"]),
                "alarms": [
                    None if np.isnan(iou) else [str(alarm) for alarm in from_bits(int(bits))]
                    for iou, bits in zip(numbers["iou"], numbers["alarms"], strict=True)
                ],
                "score": round(float(numbers["score"][seen].mean()), 5) if seen.any() else 0.0,
            }
            file.write(", " + json.dumps(rest)[1:])
        file.write(f'],\n"categories": {json.dumps(categories.used())}}}\n')


def _masks(read: Read, object_id: int, numbers: np.ndarray) -> Iterator[Rle | None]:
    """Yield an object's mask of every frame, and note its box, area and score in passing."""
    for place, record in enumerate(read()):
        entry = record.objects.get(object_id)
        area = rle.area(entry.rle) if entry else 0
        if entry and area:
            numbers["box"][place], numbers["area"][place], numbers["score"][place] = (
                rle.bbox(entry.rle),
                area,
                entry.iou,
            )
        if entry and entry.quality:
            numbers["iou"][place], numbers["doubt"][place] = entry.quality.expected_iou, entry.quality.doubt
            numbers["alarms"][place] = to_bits(entry.quality.alarms)
        yield entry.rle if entry and area else None


def _or_null(values: np.ndarray) -> list[float | None]:
    """Numbers [T] as JSON, null for NaN."""
    return [None if np.isnan(value) else float(value) for value in values]


def read_youtube_vis(content: dict[str, Any], path: Path, size: tuple[int, int], first: int) -> Iterator[ImportedShape]:
    """Yield the masks of a file of this form that holds one video.

    `frames` of the video says which frames the lists run over, else the numbers at the ends of `file_names`.

    Raises:
        DatasetError: naming file and entry.
    """
    with entry_of(path, "videos"):
        videos = list(content["videos"])
        if len(videos) != 1:
            raise ValueError(f"it holds {len(videos)} videos; give a file of one")
        if "frames" in videos[0]:
            frames = [number_of(frame, "a frame") for frame in videos[0]["frames"]]
        else:
            names = [str(name) for name in videos[0]["file_names"]]
            numbers = frame_numbers(names, first)
            frames = [numbers[name] for name in names]
    categories = category_names(content, path)
    for place, track in enumerate(content["annotations"]):
        with entry_of(path, f"annotation {place}"):
            key, masks = str(track.get("track_id", track.get("id", place))), list(track["segmentations"])
            if len(masks) != len(frames):
                raise ValueError(f"it has {len(masks)} masks, the video has {len(frames)} frames")
            name, score = categories.get(str(track.get("category_id"))), score_of(track.get("score"))
        for frame, mask in zip(frames, masks, strict=True):
            if mask is not None:
                with entry_of(path, f"annotation {place}, frame {frame}"):
                    yield ImportedShape(frame, key, name, to_rle(mask, size), score=score)
