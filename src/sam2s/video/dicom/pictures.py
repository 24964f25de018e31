"""Pictures of DICOM files that hold them one by one: native, run-length coded, JPEG and its kin, as 8-bit RGB."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sam2s.errors import PictureError, SourceError
from sam2s.picture_depth import DEPTHS, PixelDepth
from sam2s.picture_files import as_rgb
from sam2s.video.dicom.pixel_data import PixelData

_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB")
_GREYS = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")  # of a JPEG, a JPEG 2000 stream, and one in a file


@dataclass(frozen=True)
class PixelLayout:
    """How pixels are stored; the names are those of the attributes in group 0028.

    Attributes:
        size: (H, W): Rows and Columns.
        samples: 1 or 3 a pixel.
        photometric: what the samples mean.
        planar: 1 where a frame holds all red samples, then all green, then all blue.
        allocated: bits of a sample in the file.
        stored: bits of it that are in use.
        high: the highest bit in use.
    """

    size: tuple[int, int]
    samples: int
    photometric: str
    planar: int
    allocated: int
    stored: int
    high: int

    @classmethod
    def of(cls, attributes: dict[str, Any], name: str) -> PixelLayout:
        """Read it from a data set; `name` begins messages.

        Raises:
            SourceError: what is needed is missing, or no picture follows from it.
        """
        needed = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
        if missing := [key for key in needed if key not in attributes]:
            raise SourceError(f"{name}: its data set lacks {', '.join(missing)}, or holds something else there")
        rows, columns, samples, photometric, allocated = (attributes[key] for key in needed)
        if not rows or not columns:
            raise SourceError(f"{name}: its pictures are {columns}x{rows}; nothing is in them")
        if allocated not in (1, 8, 16) or photometric not in {1: _GREYS, 3: _COLOURS}.get(samples, ()):
            raise SourceError(
                f"{name}: pixels of {samples} x {allocated} bits as {photometric} are not read; allowed are 8 and 16 "
                f"bits, one sample as {', '.join(_GREYS)}, three as {', '.join(_COLOURS)}, and 1 bit"
            )
        stored = attributes.get("BitsStored", allocated)
        if not 1 <= stored <= allocated or attributes.get("PixelRepresentation", 0):
            raise SourceError(
                f"{name}: {'signed' if attributes.get('PixelRepresentation') else stored} pixel values in {allocated} "
                "bits are no picture of a camera; allowed are unsigned ones"
            )
        high = attributes.get("HighBit", stored - 1)
        high = high if stored - 1 <= high < allocated else stored - 1
        return cls(
            (rows, columns), samples, photometric, attributes.get("PlanarConfiguration", 0), allocated, stored, high
        )

    @property
    def frame_bits(self) -> int:
        """Bits of a native frame."""
        samples = 2 if self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422") else self.samples
        return self.size[0] * self.size[1] * samples * self.allocated


class DicomPictures:
    """Reads frames one by one; opens the file for each.

    Attributes:
        count: how many frames the pixel data hold, whatever the data set says.
    """

    def __init__(self, pixels: PixelData, layout: PixelLayout, syntax: str, attributes: dict[str, Any]) -> None:
        """Find where each frame begins.

        Raises:
            SourceError: the transfer syntax has no decoder here, or there is no whole frame.
        """
        from pydicom.pixels import get_decoder

        self._pixels, self._layout, self._attributes = pixels, layout, attributes
        self._name = str(pixels.path)
        try:
            self._decoder = get_decoder(syntax)
        except NotImplementedError:
            raise SourceError(f"{self._name}: pictures of the transfer syntax {syntax} are not read") from None
        if not self._decoder.is_available:
            needed = "; ".join(self._decoder.missing_dependencies)
            raise SourceError(
                f"{self._name}: pictures of the transfer syntax {syntax} ({self._decoder.UID.name}) need a decoder "
                f"that is not installed: {needed}; install one, or convert the file"
            )
        self._groups = _frames_of(pixels) if pixels.encapsulated else array("Q")
        self._native_bits = 0 if pixels.encapsulated else layout.frame_bits
        self.count = len(self._groups) - 1 if pixels.encapsulated else pixels.size * 8 // self._native_bits
        self._depth: PixelDepth | None = None
        if self.count < 1:
            raise SourceError(f"{self._name}: its pixel data hold no whole frame")

    def read(self, index: int) -> np.ndarray:
        """Decode a frame into uint8 [H, W, 3], RGB.

        Raises:
            PictureError: it is damaged.
            MemoryError: there is none left.
        """
        samples = self.read_samples(index)
        stored = self._layout.stored
        if self._layout.photometric == "PALETTE COLOR":
            return as_rgb(self._painted(samples))
        if stored == 1:
            pixels = samples.astype(np.uint8) * 255
        elif stored == 8 and samples.dtype == np.uint8:
            pixels = samples
        else:
            pixels = self._measured_depth().convert(samples)
        return as_rgb(255 - pixels if self._layout.photometric == "MONOCHROME1" else pixels)

    def read_samples(self, index: int) -> np.ndarray:
        """Decode samples [H, W] or [H, W, 3] of a frame in the numbers of the file, YBR made RGB.

        Raises:
            PictureError: it is damaged.
            MemoryError: there is none left.
        """
        layout = self._layout
        try:
            if layout.allocated == 1:
                return self._bits(index)
            data = self._encoded(index) if self._pixels.encapsulated else self._native(index)
            samples = self._decoder.as_array(data, index=0, **self._options())[0]
        except (PictureError, MemoryError):
            raise
        except Exception as error:  # every decoder behind pydicom has errors of its own
            raise PictureError(f"{self._name}: its frame {index} cannot be decoded ({type(error).__name__})") from None
        if layout.stored < layout.allocated and samples.dtype.itemsize * 8 == layout.allocated:
            samples = samples >> (layout.high + 1 - layout.stored) & (
                (1 << layout.stored) - 1
            )  # overlays may lie above
        return samples

    def _options(self) -> dict[str, Any]:
        layout = self._layout
        options: dict[str, Any] = {
            "rows": layout.size[0],
            "columns": layout.size[1],
            "samples_per_pixel": layout.samples,
            "photometric_interpretation": layout.photometric,
            "bits_allocated": layout.allocated,
            "bits_stored": layout.high + 1,
            "pixel_representation": 0,
            "number_of_frames": 1,
            "pixel_keyword": "PixelData",
            "pixel_vr": "OW" if layout.allocated == 16 else "OB",
        }
        return options | ({"planar_configuration": layout.planar} if layout.samples == 3 else {})

    def _native(self, index: int) -> bytes:
        size = self._native_bits // 8
        with self._pixels.path.open("rb") as file:
            file.seek(self._pixels.starts[0] + index * size)
            data = file.read(size)
        return data + b"\0" * (size % 2)

    def _bits(self, index: int) -> np.ndarray:
        """Frames of single bits lie end to end, so that one may begin within a byte."""
        height, width = self._layout.size
        begin = index * height * width
        with self._pixels.path.open("rb") as file:
            file.seek(self._pixels.starts[0] + begin // 8)
            data = np.frombuffer(file.read((begin % 8 + height * width + 7) // 8), np.uint8)
        return np.unpackbits(data, bitorder="little")[begin % 8 :][: height * width].reshape(height, width)

    def _encoded(self, index: int) -> bytes:
        from pydicom.encaps import encapsulate

        data = b"".join(self._pixels.read(number) for number in range(*self._groups[index : index + 2]))
        size = encoded_size(data)
        if size is not None and size != self._layout.size:  # before a decoder takes memory for it
            raise PictureError(
                f"{self._name}: its frame {index} is {size[1]}x{size[0]}, its data set says "
                f"{self._layout.size[1]}x{self._layout.size[0]}"
            )
        return encapsulate([data], has_bot=False)

    def _painted(self, samples: np.ndarray) -> np.ndarray:
        """Colours of a palette."""
        from pydicom import Dataset
        from pydicom.pixels import apply_color_lut

        palette = Dataset()
        try:
            for colour in ("Red", "Green", "Blue"):
                for part in ("Descriptor", "Data"):
                    name = f"{colour}PaletteColorLookupTable{part}"
                    setattr(palette, name, self._attributes[name])
            colours = apply_color_lut(samples, palette)
        except Exception as error:  # a palette that is cut short fails in numpy
            raise PictureError(f"{self._name}: its palette is missing or damaged ({type(error).__name__})") from None
        return colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8)

    def _measured_depth(self) -> PixelDepth:
        """Bits in use: what is declared, or for 16 of 16 what the largest value of all frames takes."""
        if self._depth is None:
            bits = self._layout.stored
            if bits == 16:
                largest = 0
                for number in range(self.count):
                    largest = max(largest, int(self.read_samples(number).max()))
                    if largest >= 1 << DEPTHS[-2]:
                        break
                bits = next(bits for bits in DEPTHS if largest < 1 << bits)
            self._depth = PixelDepth(2**bits - 1, declared=self._layout.stored < 16)
        return self._depth


def _frames_of(pixels: PixelData) -> array[int]:
    """Fragment with which each frame begins, and behind the last their number; tables of offsets are not needed.

    A frame begins where a fragment begins with the mark of a JPEG file. Of other codings each fragment is a frame
    (PS3.5, 8.2.2 and A.4).
    """
    marked = []
    with pixels.path.open("rb") as file:
        for number, place in enumerate(pixels.starts):
            file.seek(place)
            if file.read(min(8, pixels.sizes[number])).startswith(_STARTS):
                marked.append(number)
    begins = array("Q", marked if marked and marked[0] == 0 else range(len(pixels.starts)))
    begins.append(len(pixels.starts))
    return begins


def encoded_size(data: bytes) -> tuple[int, int] | None:
    """(H, W) that a JPEG, JPEG-LS or JPEG 2000 stream declares; None for others."""
    start = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start >= 0 and len(data) >= start + 24:
        width, height, left, top = struct.unpack(">4I", data[start + 8 : start + 24])
        return height - top, width - left
    if not data.startswith(b"\xff\xd8"):
        return None
    for marker, place in _segments(data):
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            height, width = struct.unpack(">2H", data[place + 3 : place + 7])
            return height, width
    return None


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker of each segment of a JPEG stream before its pixels, and the place of the segment's length."""
    place = 2
    while place + 11 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # filling
            place += 1
            continue
        yield marker, place + 2
        place += 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
