"""Generated DICOM data sets for tests: numbered frames as video, as pictures, with and without names of persons."""

import io
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, FileMetaDataset, datadict
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid

from video_tools import numbered, write_clip

ENDOSCOPY = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7.4"
H264 = "1.2.840.10008.1.2.4.102"
STREAMS = {
    "mpeg2": ("1.2.840.10008.1.2.4.101", {"codec": "mpeg2video", "container": "mpeg2video"}),
    "mpeg2 in ts": ("1.2.840.10008.1.2.4.100", {"codec": "mpeg2video", "container": "mpegts"}),
    "mpeg2 in ps": ("1.2.840.10008.1.2.4.101", {"codec": "mpeg2video", "container": "mpeg"}),
    "h264": (H264, {"container": "h264"}),
    "h264 in ts": ("1.2.840.10008.1.2.4.103", {"container": "mpegts"}),
    "h264 in mp4": ("1.2.840.10008.1.2.4.104", {"container": "mp4"}),
    "hevc": ("1.2.840.10008.1.2.4.107", {"codec": "libx265", "container": "hevc"}),
    "hevc in mp4, ten bits": (
        "1.2.840.10008.1.2.4.108",
        {"codec": "libx265", "container": "mp4", "pixels": "yuv420p10le"},
    ),
    "h264 in fragments": (H264 + ".1", {"container": "mp4"}),
    "hevc in ts": ("1.2.840.10008.1.2.4.107", {"codec": "libx265", "container": "mpegts"}),
}
"""Transfer syntax and how the stream is made, by name."""

SECRET = "SENTINEL"
"""Stands in every attribute that names a person, in the form that its kind allows."""


def stream(name: str, count: int = 20) -> bytes:
    """Bytes of a stream of `STREAMS` with frames of `numbered`, encoded once: the next time may differ."""
    return _stream(name, count)


@cache
def _stream(name: str, count: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream"
        write_clip(path, count, **STREAMS[name][1])
        return path.read_bytes()


def data_set(
    kind: str = ENDOSCOPY, syntax: str = ExplicitVRLittleEndian, *, frames: int = 20, **values: object
) -> Dataset:
    """A data set without pixels; values by keyword, None for none."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.SOPClassUID, made.SOPInstanceUID = kind, generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.PatientName = made.PatientID = made.PatientBirthDate = ""
    made.Modality = "ES"
    made.Rows, made.Columns, made.NumberOfFrames = 64, 96, frames
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    for name, value in values.items():
        if value is None:
            delattr(made, name)
        else:
            setattr(made, name, value)
    return made


def save(made: Dataset, path: Path) -> Path:
    """Write a data set as a file."""
    made.save_as(path, enforce_file_format=True)
    return path


def video_file(path: Path, name: str = "h264 in mp4", *, count: int = 20, parts: int = 0, **values: object) -> Path:
    """Write a video data set; `parts` fragments, by default 3 where the syntax allows several and 1 elsewhere."""
    syntax = STREAMS[name][0]
    data = stream(name, count)
    values.setdefault("frames", count)
    made = data_set(ENDOSCOPY, syntax, PhotometricInterpretation="YBR_PARTIAL_420", **values)
    parts = parts or (3 if syntax.endswith(".1") else 1)
    size = -(-len(data) // parts)
    size += size % 2
    made.PixelData = encapsulate([data[i : i + size] for i in range(0, len(data), size)], has_bot=False)
    return save(made, path)


def pictures_file(path: Path, *, count: int = 6, kind: str = CAPTURE, **values: object) -> Path:
    """Write numbered pictures without compression."""
    values.setdefault("frames", count)
    made = data_set(kind, **values)
    made.PixelData = b"".join(numbered(i).tobytes() for i in range(count))
    return save(made, path)


def jpeg_file(path: Path, *, count: int = 6, split: int = 1, **values: object) -> Path:
    """Write numbered pictures as JPEG, each in so many fragments."""
    values.setdefault("frames", count)
    made = data_set(ULTRASOUND, JPEGBaseline8Bit, PhotometricInterpretation="YBR_FULL_422", **values)
    files = []
    for i in range(count):
        Image.fromarray(numbered(i)).save(buffer := io.BytesIO(), "JPEG", quality=95, subsampling="4:2:2")
        files.append(buffer.getvalue() + b"\0" * (len(buffer.getvalue()) % 2))
    made.PixelData = encapsulate(files, fragments_per_frame=split, has_bot=False)
    return save(made, path)


def segment_masks() -> np.ndarray:
    """bool [4, 64, 96, 2]: masks of two segments on four frames; the second is away on the first."""
    masks = np.zeros((4, 64, 96, 2), bool)
    for frame in range(4):
        masks[frame, 5 + frame : 20, 7:30, 0] = True
        masks[frame, 30:40, 50 + 2 * frame : 60, 1] = frame > 0
    return masks


def plain_segmentation(
    path: Path,
    masks: np.ndarray,
    *,
    kind: str = "BINARY",
    frames: list[int] | None = None,
    pixels: np.ndarray | None = None,
    change: Callable[[Dataset], object] = lambda made: None,
) -> Path:
    """Write masks [N, H, W, S] in bytes, each segment after the other, with no reference to any frame.

    `frames` are places in time, `pixels` stand in the masks' place, `change` is done to the data set at the end.
    """
    count, segments = masks.shape[0], masks.shape[3]
    made = data_set(SEGMENTATION, Modality="SEG", SamplesPerPixel=1, PlanarConfiguration=None)
    made.PhotometricInterpretation, made.SegmentationType = "MONOCHROME2", kind
    made.SegmentSequence, made.PerFrameFunctionalGroupsSequence = [], []
    for number in range(1, segments + 1):
        segment = Dataset()
        segment.SegmentNumber, segment.SegmentLabel = number, f"segment {number}"
        made.SegmentSequence.append(segment)
        for frame in range(count):
            group, identification, content = Dataset(), Dataset(), Dataset()
            identification.ReferencedSegmentNumber = number
            group.SegmentIdentificationSequence = [identification]
            if frames is not None:
                content.TemporalPositionIndex = frames[frame]
                group.FrameContentSequence = [content]
            made.PerFrameFunctionalGroupsSequence.append(group)
    made.NumberOfFrames = segments * count
    made.PixelData = (np.moveaxis(masks, 3, 0) if pixels is None else pixels).astype(np.uint8).tobytes()
    change(made)
    return save(made, path)


def name_persons(made: Dataset, *, depth: int = 2) -> set[str]:
    """Fill every attribute of the dictionary that can hold a name, an id or a date, nested and private ones as well.

    Attributes that the pictures need are left alone, and UIDs. Returns the texts that must not turn up again.
    """
    texts = {"PN": f"{SECRET}^NAME", "DA": "19470531", "TM": "113355", "DT": "19470531113355", "AS": "077Y"}
    free = ("LO", "SH", "ST", "LT", "UT", "UC", "AE", "UR")
    for tag, (kind, _, _, _, keyword) in datadict.DicomDictionary.items():
        if not keyword or not 8 <= tag >> 16 < 0x5000 or tag >> 16 == 0x28 or keyword in made:
            continue
        if kind in texts:
            made.add_new(tag, kind, texts[kind])
        elif (kind in free and keyword != "SpecificCharacterSet") or (kind == "CS" and "Patient" in keyword):
            made.add_new(tag, kind, SECRET)
    made.PatientName = f"{SECRET}^NAME"
    made.PatientID, made.PatientBirthDate = SECRET, "19470531"
    block = made.private_block(0x0029, SECRET, create=True)
    block.add_new(1, "LO", SECRET)
    block.add_new(2, "PN", f"{SECRET}^PRIVATE")
    if depth:
        inner = Dataset()
        name_persons(inner, depth=depth - 1)
        for keyword in ("ReferencedPatientSequence", "OtherPatientIDsSequence", "RequestAttributesSequence"):
            setattr(made, keyword, [inner])
        block.add_new(3, "SQ", [inner])
    return {SECRET, "19470531", "113355"}


def grey(index: int, bits: int, size: tuple[int, int] = (64, 96)) -> np.ndarray:
    """A ramp [H, W] over all values of so many bits that moves with the index; uint16."""
    values = np.arange(size[0] * size[1]).reshape(size) * ((1 << bits) - 1) // (size[0] * size[1] - 1)
    return np.roll(values, index, axis=1).astype(np.uint16)
