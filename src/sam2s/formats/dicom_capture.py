"""DICOM secondary capture: the video with its objects drawn in, as a multi-frame true-colour object in JPEG."""

from __future__ import annotations

import io
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from sam2s.errors import OutputError
from sam2s.formats.dicom_objects import new_object, object_file, referenced_instance, write_fragment
from sam2s.formats.export_info import ExportInfo
from sam2s.video.dicom import DicomReference

_CLASS = "1.2.840.10008.5.1.4.1.1.7.4"
_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
QUALITY = 95
"""Of the JPEG pictures, as Pillow counts."""
# The value of an element whose length has 16 bits holds so many times of up to 16 characters.
_MOST_TIMES = 3_800
_MILLISECOND = Fraction(1, 1000)


class CaptureWriter:
    """Takes drawn frames for `write_overlay`; the file is made when it is closed, because its head tells their number.

    Until then the pictures lie in a file beside it, so that memory does not grow with the video.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], fps: Fraction, info: ExportInfo, reference: DicomReference | None
    ) -> None:
        """Make the file for the pictures.

        Args:
            path: of the object.
            size: (H, W) of the frames to come.
            fps: frames a second, where frames bring no time.
            info: what the export says of the video.
            reference: to the recording, None where the video is not a DICOM file.

        Raises:
            MissingExtraError: pydicom is not installed.
            OutputError: the frames are too large for JPEG.
        """
        if max(size) > 65_500:
            raise OutputError(f"{path}: frames of {size[1]}x{size[0]} are too large for JPEG, which ends at 65500")
        self.path, self._size, self._fps = path, size, fps
        self._info, self._reference = info, reference
        self._object = new_object(_CLASS, "OT", _JPEG_BASELINE, info, reference)
        self._pictures_path = path.with_name(path.name + ".pictures")
        self._pictures = self._pictures_path.open("w+b")
        self._times: list[Fraction] = []

    def write(self, image: np.ndarray, pts: Fraction | None = None) -> None:
        """Append a picture uint8 [H, W, 3] at an exact time in seconds."""
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, subsampling="4:2:2")
        write_fragment(self._pictures, buffer.getvalue())
        self._times.append(len(self._times) / self._fps if pts is None else pts)

    def close(self) -> None:
        """Finish the file; without a frame none is made."""
        if self._pictures.closed:
            return
        try:
            if self._times:
                self._describe()
                with object_file(self._object, self.path, None) as file:
                    self._pictures.seek(0)
                    shutil.copyfileobj(self._pictures, file, 1 << 20)
        finally:
            self._pictures.close()
            self._pictures_path.unlink(missing_ok=True)

    def _describe(self) -> None:
        made = self._object
        made.ImageType = ["DERIVED", "SECONDARY"]
        made.Laterality = ""
        made.ConversionType = "WSD"
        made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "YBR_FULL_422", 0
        made.BitsAllocated = made.BitsStored = 8
        made.HighBit = 7
        made.NumberOfFrames = len(self._times)
        # Unless the recording says that there is none, text that names somebody may be in the pictures.
        made.BurnedInAnnotation = "NO" if self._reference and self._reference.burned_in is False else "YES"
        made.DerivationDescription = "Frames with masks of tracked objects drawn in"
        pixels = len(self._times) * self._size[0] * self._size[1] * 3
        made.LossyImageCompression, made.LossyImageCompressionMethod = "01", "ISO_10918_1"
        made.LossyImageCompressionRatio = f"{pixels / self._pictures.tell():.2f}"
        if self._reference is not None:
            made.SourceImageSequence = [referenced_instance(self._reference)]
        self._set_times()

    def _set_times(self) -> None:
        """FrameTime where frames come regularly, to a millisecond, else FrameTimeVector as long as one can be."""
        steps = [later - earlier for earlier, later in zip(self._times, self._times[1:], strict=False)]
        mean = sum(steps, Fraction(0)) / len(steps) if steps else 1 / self._fps
        regular = all(abs(time - self._times[0] - i * mean) < _MILLISECOND for i, time in enumerate(self._times))
        if regular or len(self._times) > _MOST_TIMES:
            self._object.FrameTime = _decimal(mean)
            self._object.FrameIncrementPointer = 0x00181063
        else:
            self._object.FrameTimeVector = ["0", *map(_decimal, steps)]
            self._object.FrameIncrementPointer = 0x00181065


def _decimal(seconds: Fraction) -> str:
    """Milliseconds as a decimal text of at most 16 characters."""
    return f"{float(seconds * 1000):.12g}"[:16]
