"""Folders of images: one file a frame, in the order a person would count them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from sam2s.errors import PictureError, SourceError, TruncatedSourceError
from sam2s.files import natural
from sam2s.picture_files import IMAGE_SUFFIXES, PictureReader, picture_size
from sam2s.video.frame import Frame, check_range


class FolderSource:
    """Frames of a folder's images (png, jpg, jpeg, tif, tiff, bmp, webp), in natural order: 2.png before 10.png.

    Hidden files and other kinds of files are passed over. Grey images become RGB, alpha is dropped, images of more than
    eight bits are scaled alike (`sam2s.picture_files`), the orientation that EXIF, TIFF or XMP say is applied. A single
    image file is a video of one frame.
    """

    seekable = True

    def __init__(self, path: str | os.PathLike[str], *, fps: Fraction | None = None) -> None:
        """List the images and read the size of each from its header.

        Raises:
            SourceError: if there is no image, one cannot be read, or two differ in size.
        """
        self.path = Path(path)
        self.files = [self.path] if self.path.is_file() else _images(self.path)
        self.name = self.path.stem if self.path.is_file() else self.path.resolve().name
        self.fps = fps
        self._reader = PictureReader(self.files)
        self.length: int | None = len(self.files)
        self.size: tuple[int, int] = picture_size(self.files[0])
        for file in self.files[1:]:
            if (size := picture_size(file)) != self.size:
                raise self._mixed(file, size)

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames start, start + step, ... below stop, each read when it is asked for.

        Raises:
            TruncatedSourceError: at an image that is damaged; every earlier one has been delivered.
        """
        check_range(start, stop, step)
        for index in range(start, len(self.files) if stop is None else min(stop, len(self.files)), step):
            yield self.frame(index)

    def frame(self, index: int) -> Frame:
        """Read one image.

        Raises:
            SourceError: if there is no such frame.
            TruncatedSourceError: if the image is damaged.
        """
        if not 0 <= index < len(self.files):
            raise SourceError(f"{self.path}: no frame {index}; the folder has {len(self.files)} images, counted from 0")
        try:
            image = self._reader.read(self.files[index])
        except PictureError as error:
            raise TruncatedSourceError(f"{self.files[index]}: frame {index} is damaged or gone ({error})") from error
        if image.shape[:2] != self.size:
            raise self._mixed(self.files[index], image.shape[:2])
        return Frame(image, index, index / self.fps if self.fps else None)

    def _mixed(self, file: Path, size: tuple[int, int]) -> SourceError:
        return SourceError(
            f"{self.path}: images differ in size: {self.files[0].name} is {_text(self.size)}, {file.name} is "
            f"{_text(size)}; all frames of a video must have one size"
        )

    def fingerprint(self) -> str:
        """Hash of the names and sizes of the files, and of what the first and the last hold."""
        digest = hashlib.blake2b(digest_size=16)
        for file in self.files:
            digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        for file in (self.files[0], self.files[-1]):
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing to release."""


def _images(folder: Path) -> list[Path]:
    files = [f for f in folder.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith(".")]
    if not files:
        kinds = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
        found = sum(1 for _ in folder.iterdir())
        what = f"holds {found} entries but no images" if found else "the folder is empty"
        raise SourceError(f"{folder}: {what}; allowed are {kinds}, directly in the folder")
    return sorted(files, key=lambda f: natural(f.name))


def _text(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
