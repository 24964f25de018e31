"""Picture files as frames: opened within limits, upright, and brought to eight bits by one rule for a whole video.

Pictures of more than eight bits (infrared cameras, microscopes) say seldom how many of their bits are in use: twelve
lie as often in the lower end of sixteen as spread over them. So the depth is what the files declare (the sBIT chunk of
PNG, BitsPerSample or MaxSampleValue of TIFF), else the smallest of 8, 10, 12, 14 and 16 bits that holds the largest
value of all pictures of the video. It is never measured for each frame alone, which would make the brightness flicker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from sam2s.errors import LimitError, PictureError
from sam2s.limits import check_pixels, max_pixels
from sam2s.picture_depth import DEPTHS, PixelDepth, declared_bits, is_deep, largest_value, turned

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"})
"""Endings of files that are taken for pictures."""

# Not EPS or others of Pillow's formats, for which it would start other programs.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM")
_ORIENTATION, _SUBFILE = 0x0112, 254
_TAIL = 1 << 14  # bytes at the end of a PNG in which metadata behind the pixels lie


@contextmanager
def open_picture(place: Path | BinaryIO, what: str = "picture") -> Iterator[Image.Image]:
    """Open a picture, for a block that decodes it; whatever decoding raises becomes a PictureError.

    Args:
        place: a path, or a picture in memory.
        what: how messages call it.

    Raises:
        PictureError: it is missing, damaged, or no picture.
        LimitError: it declares more pixels than the limit; nothing of it was decoded.
    """
    name, at = (str(place), f" {place}") if isinstance(place, Path) else (what, "")
    if max_pixels() > (Image.MAX_IMAGE_PIXELS or 0):
        Image.MAX_IMAGE_PIXELS = None  # the user has set a higher limit than Pillow's
    try:
        with Image.open(place, formats=_FORMATS) as image:
            check_pixels(image.height, image.width, name)
            yield image
    except (PictureError, LimitError):
        raise
    except Image.DecompressionBombError as error:  # far above the limit, so that Pillow's own is met first
        raise LimitError(f"{name}: {error}; if that size is right, raise it: sam2s --max-pixels N ...") from error
    except FileNotFoundError:
        raise PictureError(f"cannot read {what} {place}: no such file") from None
    except Exception as error:  # Pillow's decoders raise errors of many kinds on damaged files
        raise PictureError(f"cannot read {what}{at}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture of a kind that can be read (png, jpg, tif, bmp, webp)"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).removesuffix(".") or type(error).__name__


class PictureHeader(NamedTuple):
    """What a picture file says of itself before its pixels are decoded.

    Attributes:
        size: (height, width) as it is shown, upright.
        pages: positions of the pictures in it: the pages of a TIFF stack, the frames of an animated WebP, PNG or GIF.
            Left out are reduced copies in a TIFF file, and the picture that an animated PNG shows where animation is
            not understood.
    """

    size: tuple[int, int]
    pages: Sequence[int]


def read_header(path: Path) -> PictureHeader:
    """Read a picture's header.

    Raises:
        PictureError: it is missing or no picture.
        LimitError: it declares more pixels than the limit.
    """
    with open_picture(path) as image:
        if image.format == "TIFF":  # releases of Pillow differ in whether `size` is turned already
            tags: Any = image.tag_v2  # type: ignore[attr-defined]
            width, height, turn = tags.get(256), tags.get(257), tags.get(_ORIENTATION, 1)
        else:
            width, height, turn = *image.size, _orientation(image, path)
        return PictureHeader((width, height) if turn >= 5 else (height, width), _pages(image))


def picture_size(path: Path) -> tuple[int, int]:
    """Read (height, width) of a picture as it is shown, upright, from its header; see `read_header`."""
    return read_header(path).size


def _orientation(image: Image.Image, path: Path) -> int:
    """EXIF orientation 1 to 8, also where XMP alone says it; 5 to 8 lie on their side."""
    if image.format == "PNG" and not _METADATA.isdisjoint(image.info):
        return int(image.getexif().get(_ORIENTATION, 1))
    if image.format == "PNG":
        with path.open("rb") as file:  # metadata may stand behind the pixels, and Pillow would decode them to look
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            tail = file.read()
        if b"eXIf" in tail or b"adobe.xmp" in tail:
            image.load()
            return int(image.getexif().get(_ORIENTATION, 1))
        return 1
    return int(image.getexif().get(_ORIENTATION, 1)) if not _METADATA.isdisjoint(image.info) else 1


_METADATA = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})


def is_plain(path: Path) -> bool:
    """Whether a picture has eight bits a channel and is stored upright, so that every program shows it alike.

    Raises:
        PictureError: it is missing, damaged, or no picture.
        LimitError: it declares more pixels than the limit.
    """
    with open_picture(path) as image:
        return not is_deep(image) and _orientation(image, path) == 1


def upright(image: Image.Image) -> Image.Image:
    """Turn an opened picture as its EXIF or XMP orientation says."""
    image.load()  # metadata may stand behind the pixels
    return ImageOps.exif_transpose(image)


def _pages(image: Image.Image) -> Sequence[int]:
    count = getattr(image, "n_frames", 1)
    if count == 1 or image.format == "MPO":  # MPO: two views, or a preview
        return (0,)
    if image.format == "TIFF":
        pages = []
        for page in range(count):
            image.seek(page)
            tags: Any = image.tag_v2  # type: ignore[attr-defined]
            if not tags.get(_SUBFILE, 0) & 1:
                pages.append(page)
        return pages or (0,)
    return range(1 if image.info.get("default_image") else 0, count)


class PictureReader:
    """Reads the pictures of one video as uint8 [H, W, 3], RGB, upright; alpha is dropped, grey repeated.

    Where pictures are deeper than eight bits, the first one that is read makes it look at all files, once.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        """Take the files of one video; nothing is opened yet."""
        self._files = files
        self._depth: PixelDepth | None = None

    def read(self, path: Path, page: int = 0) -> np.ndarray:
        """Read one picture, one of the files or a page of it.

        Raises:
            PictureError: it is missing, damaged, no picture, or its values cannot be brought to eight bits.
            LimitError: it declares more pixels than the limit.
        """
        return next(self.read_pages(path, (page,)))

    def read_pages(self, path: Path, pages: Sequence[int]) -> Iterator[np.ndarray]:
        """Read pages of a file that is opened once; see `read`."""
        with open_picture(path) as image:
            for page in pages:
                if page != image.tell():
                    image.seek(page)
                    check_pixels(image.height, image.width, f"{path}, page {page}")
                if is_deep(image):
                    pixels = _deep_pixels(image, path, page)
                    self._depth = self._depth or measure_depth(self._files)
                    yield as_rgb(self._depth.convert(pixels))
                else:
                    yield _rgb(upright(image))


def read_picture(path: Path) -> np.ndarray:
    """Read a picture that belongs to no video; see `PictureReader`."""
    return PictureReader([path]).read(path)


def as_rgb(image: np.ndarray) -> np.ndarray:
    """Make uint8 [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] a contiguous [H, W, 3]: grey is repeated, alpha dropped."""
    if image.ndim == 2:
        image = image[:, :, None]
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image[:, :, :3])


def measure_depth(files: Sequence[Path]) -> PixelDepth:
    """Find the depth of a video of deep pictures, as the module says.

    Raises:
        PictureError: values are negative or not finite, or above 65535, so that no depth follows from them.
    """
    largest = 0.0
    floats = False
    for path in files:
        with open_picture(path) as image:
            for page in _pages(image):
                image.seek(page)
                if not is_deep(image):
                    continue  # eight bits beside deeper ones
                if bits := declared_bits(image, path):
                    return PixelDepth(2**bits - 1, declared=True)
                pixels = _deep_pixels(image, path, page)
                largest, floats = max(largest, largest_value(pixels, path)), floats or pixels.dtype.kind == "f"
                if largest >= 1 << DEPTHS[-2]:  # more cannot change the answer
                    return PixelDepth(65535, declared=False)
    if floats and largest <= 1:
        return PixelDepth(1, declared=False)
    return PixelDepth(next(2.0**bits - 1 for bits in DEPTHS if largest <= 2**bits - 1), declared=False)


def _rgb(image: Image.Image) -> np.ndarray:
    # RGBA first: it keeps the colours of palettes with transparency.
    return as_rgb(np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB")))


def _deep_pixels(image: Image.Image, path: Path, page: int) -> np.ndarray:
    """[H, W] or [H, W, 3] of a deep picture in its own numbers, upright."""
    if image.mode.startswith("I") or image.mode == "F":
        return np.asarray(upright(image))
    if page:
        raise PictureError(f"{path}: pages of colours of 16 bits cannot be read; save each as a file of its own")
    turn = int(image.getexif().get(_ORIENTATION, 1)) if not _METADATA.isdisjoint(image.info) else 1
    if image.format == "TIFF":
        turn = int(image.tag_v2.get(_ORIENTATION, 1))  # type: ignore[attr-defined]
    return turned(_deep_colours(path), turn)


def _deep_colours(path: Path) -> np.ndarray:
    """uint16 [H, W, 3] as stored; Pillow would keep the upper eight bits alone."""
    import av

    with av.open(str(path.absolute())) as container:
        picture = next(container.decode(video=0))
        if not isinstance(picture, av.VideoFrame):
            raise PictureError(f"cannot read picture {path}: it holds no picture")
        return picture.to_ndarray(format="rgb48le")
