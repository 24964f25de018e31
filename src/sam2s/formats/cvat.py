"""CVAT: an XML file with a track for each object, whose masks are runs along the rows of a box."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import quoteattr

import numpy as np

from sam2s.errors import DatasetError
from sam2s.files import replacing
from sam2s.formats.coco import Read
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.shapes import ImportedShape, crop, entry_of, number_of, read_text, to_box, to_rle, track_keys
from sam2s.formats.table import quality_cells
from sam2s.limits import MAX_TEXT_BYTES
from sam2s.masks import rle
from sam2s.masks.palette import display_color
from sam2s.tracking.results import ObjectState
from sam2s.workspace import ObjectRecord

ANNOTATIONS = "annotations.xml"
"""What CVAT calls the file inside its archives."""
QUALITY = ("expected_iou", "doubt", "alarms")
"""Attributes of masks that were judged."""
_DECLARATION = (
    "<attribute><name>{}</name><mutable>True</mutable><input_type>text</input_type><default_value></default_value>"
    "<values></values></attribute>"
)


def write_cvat(read: Read, info: ExportInfo, path: Path) -> None:
    """Write one file "CVAT for video 1.1"; the frames are gone over once for each object, so that no masks pile up.

    Where an object has no pixel after it had some, its track is `outside`. Where masks were judged, each label has the
    mutable attributes `QUALITY`.

    Args:
        read: goes over the frames in order.
        info: what the export says of the video and its objects.
        path: replaced when it exists.
    """
    object_ids = dict[int, None]()
    last, judged = -1, False
    for record in read():
        last = record.index
        object_ids.update(dict.fromkeys(record.objects))
        judged = judged or any(entry.quality is not None for entry in record.objects.values())
    height, width = info.size
    names = sorted({info.name(object_id) for object_id in object_ids})
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><task>')
        file.write(f"<name>{_text(info.source)}</name><size>{info.length or last + 1}</size>")
        file.write(f"<mode>interpolation</mode><start_frame>0</start_frame><stop_frame>{max(last, 0)}</stop_frame>")
        file.write("<labels>")
        for name in names:
            file.write(f"<label><name>{_text(name)}</name><type>mask</type><attributes>")
            if judged:
                file.writelines(_DECLARATION.format(attribute) for attribute in QUALITY)
            file.write("</attributes></label>")
        file.write(f"</labels><original_size><width>{width}</width><height>{height}</height></original_size>")
        file.write("</task></meta>\n")
        for object_id in sorted(object_ids):
            label = quoteattr(info.name(object_id))
            colour = "#" + "".join(f"{value:02x}" for value in display_color(object_id))
            file.write(f'<track id="{object_id}" label={label} source="auto" color="{colour}">\n')
            file.writelines(_track(read, object_id))
            file.write("</track>\n")
        file.write("</annotations>\n")


def write_cvat_zip(read: Read, info: ExportInfo, path: Path) -> None:
    """Write the archive that CVAT takes as "CVAT 1.1" when annotations are uploaded: the same file, annotations.xml."""
    with replacing(path) as partial, TemporaryDirectory(dir=path.parent, prefix=".partial-cvat-") as folder:
        write_cvat(read, info, Path(folder) / ANNOTATIONS)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(Path(folder) / ANNOTATIONS, ANNOTATIONS)


def read_cvat_zip(path: Path, size: tuple[int, int]) -> Iterator[ImportedShape]:
    """Yield what the only XML file of an archive, or of the folder that it was unpacked into, holds.

    Raises:
        DatasetError: it is not an archive, has no XML file or several, or one that is larger than any.
    """
    if path.is_dir():
        unpacked = list(path.rglob("*.xml"))
        if len(unpacked) != 1:
            raise DatasetError(f"{path} holds {len(unpacked)} XML files; an export of CVAT has one")
        yield from read_cvat(unpacked[0], size)
        return
    try:
        with zipfile.ZipFile(path) as archive, TemporaryDirectory() as folder:
            found = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".xml")]
            if len(found) != 1:
                raise DatasetError(f"{path} holds {len(found)} XML files; an export of CVAT has one")
            if found[0].file_size > MAX_TEXT_BYTES:
                raise DatasetError(f"{path}: {found[0].filename} is larger than {MAX_TEXT_BYTES} bytes")
            content = Path(folder) / ANNOTATIONS
            with archive.open(found[0]) as packed, content.open("wb") as copy:
                left = MAX_TEXT_BYTES  # what the archive says of sizes may be wrong
                while (part := packed.read(min(left, 1 << 20))) and left:
                    copy.write(part)
                    left -= len(part)
            try:
                yield from read_cvat(content, size)
            except DatasetError as error:
                raise DatasetError(str(error).replace(str(content), f"{path}: {found[0].filename}")) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise DatasetError(f"cannot read {path}: it is a damaged or encrypted archive ({error})") from error


def read_cvat(path: Path, size: tuple[int, int]) -> Iterator[ImportedShape]:
    """Yield the masks, polygons and boxes of a file of this form, for videos or for images.

    Raises:
        DatasetError: naming file and entry.
    """
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DatasetError(f"{path} declares entities of its own, which is not read; export it from CVAT again")
    try:
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError) as error:
        raise DatasetError(f"{path} is not XML: {error}") from error
    for number, track in enumerate(root.iter("track")):
        for element in track:
            with entry_of(path, f"track {track.get('id', number)}, frame {element.get('frame')}"):
                if element.get("outside") == "1":
                    continue
                frame = number_of(element.get("frame"), "frame")
                yield from _shape(element, frame, str(track.get("id", number)), track.get("label"), size)
    pending: list[tuple[ET.Element, int, str | None, str]] = []
    for number, image in enumerate(root.iter("image")):
        with entry_of(path, f"image {image.get('name', number)}"):
            frame = number_of(image.get("id", number), "id")
            pending += [(shape, frame, shape.get("label"), f"image {frame}") for shape in image]
    with entry_of(path, "images"):
        keys = track_keys(
            [(frame, element.get("group_id"), label) for element, frame, label, _ in pending],
            lambda place: pending[place][3],
        )
    for (element, frame, label, where), key in zip(pending, keys, strict=True):
        with entry_of(path, where):
            yield from _shape(element, frame, key, label, size)


def _track(read: Read, object_id: int) -> Iterator[str]:
    present = False
    for record in read():
        entry = record.objects.get(object_id)
        mask = entry.mask if entry is not None and rle.area(entry.rle) else None
        if mask is None:
            if present:
                yield (
                    f'<mask frame="{record.index}" keyframe="1" outside="1" occluded="0" rle="1" left="0" top="0" '
                    'width="1" height="1" z_order="0"></mask>\n'
                )
            present = False
            continue
        assert entry is not None
        present = True
        x0, y0, x1, y1 = crop(mask)
        runs = rle.count_runs(mask[y0 : y1 + 1, x0 : x1 + 1].T)  # along rows
        occluded = int(entry.state is ObjectState.OCCLUDED)
        yield (
            f'<mask frame="{record.index}" keyframe="1" outside="0" occluded="{occluded}" '
            f'rle="{", ".join(map(str, runs.tolist()))}" left="{x0}" top="{y0}" width="{x1 - x0 + 1}" '
            f'height="{y1 - y0 + 1}" z_order="0">{_attributes(entry)}</mask>\n'
        )


def _attributes(entry: ObjectRecord) -> str:
    if entry.quality is None:
        return ""
    pairs = zip(QUALITY, map(str, quality_cells(entry)), strict=True)
    return "".join(f'<attribute name="{name}">{_text(value)}</attribute>' for name, value in pairs)


def _shape(
    element: ET.Element, frame: int, key: str, label: str | None, size: tuple[int, int]
) -> Iterator[ImportedShape]:
    if element.tag == "mask":
        mask = _mask(element, size)
        if mask.any():
            yield ImportedShape(frame, key, label, rle.encode(mask))
    elif element.tag == "polygon":
        points = [value for pair in element.attrib["points"].split(";") for value in pair.split(",")]
        yield ImportedShape(frame, key, label, to_rle([points], size))
    elif element.tag == "box":
        corners = (element.attrib[name] for name in ("xtl", "ytl", "xbr", "ybr"))
        yield ImportedShape(frame, key, label, None, to_box(*corners))


def _mask(element: ET.Element, size: tuple[int, int]) -> np.ndarray:
    left, top, width, height = (number_of(element.get(n), n) for n in ("left", "top", "width", "height"))
    if left + width > size[1] or top + height > size[0]:
        raise ValueError(f"the mask at {left},{top} of {width}x{height} lies off the frame of {size[1]}x{size[0]}")
    runs = [number_of(run, "a run") for run in element.attrib["rle"].split(",")]
    if sum(runs) != width * height:
        raise ValueError(f"the runs add up to {sum(runs)}, not to {width} x {height}")
    mask = np.zeros(size, bool)
    values = np.arange(len(runs)) % 2 == 1
    mask[top : top + height, left : left + width] = np.repeat(values, runs).reshape(height, width)
    return mask


def _text(value: str) -> str:
    return quoteattr(value)[1:-1]
