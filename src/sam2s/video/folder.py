"""Folders of images: one file a frame, in the order a person would count them."""

from __future__ import annotations

import fnmatch
import hashlib
import itertools
import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from sam2s.errors import PictureError, SourceError, TruncatedSourceError
from sam2s.files import natural
from sam2s.picture_files import IMAGE_SUFFIXES, PictureReader, read_header
from sam2s.video.dicom.attributes import DICOM_SUFFIXES, is_dicom
from sam2s.video.frame import Frame, check_range


class FolderSource:
    """Frames of a folder's images (png, jpg, jpeg, tif, tiff, bmp, webp), in natural order: 2.png before 10.png.

    Hidden files and other kinds of files are passed over. Grey images become RGB, alpha is dropped, images of more than
    eight bits are scaled alike (`sam2s.picture_files`), the orientation that EXIF, TIFF or XMP say is applied.
    """

    seekable = True
    pixel_aspect = Fraction(1)

    def __init__(
        self, path: str | os.PathLike[str], *, fps: Fraction | None = None, pattern: str | None = None
    ) -> None:
        """List the images and read the size of each from its header.

        Args:
            path: the folder.
            fps: frames a second, as files have no clock.
            pattern: which of the names are frames, with `*`, `?` and `[...]`: `*_endo.png`. Needed where the folder
                holds other pictures of the same numbers, such as masks.

        Raises:
            SourceError: if there is no image, one cannot be read or holds several pictures, two differ in size, or two
                have one number.
        """
        self.path = Path(path)
        self.files = _images(self.path, pattern)
        self.name = self.path.resolve().name
        self.fps = fps
        if pattern is None:
            _check_numbers(self.path, self.files)
        self._reader = PictureReader(self.files)
        self.length: int | None = len(self.files)
        self.size: tuple[int, int] = read_header(self.files[0]).size
        for file in self.files:
            header = read_header(file)
            if header.size != self.size:
                raise self._mixed(file, header.size)
            if len(header.pages) > 1:
                raise SourceError(
                    f"{file}: holds {len(header.pages)} pictures; give that file as the video, or a "
                    "folder of single ones"
                )

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


def _images(folder: Path, pattern: str | None) -> list[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise SourceError(f"{folder}: cannot be read ({error.strerror}); make the folder readable") from error
    files = [f for f in entries if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith(".")]
    if not files:
        if any(f.suffix.lower() in DICOM_SUFFIXES or is_dicom(f) for f in entries if f.is_file()):
            raise SourceError(
                f"{folder}: holds DICOM files. A recording is one file of many frames: give that file. A series of "
                "files of one frame each is not read as a video, because neither names nor numbers say that they are "
                "moments of one recording and not slices or views; convert it to a multi-frame file or to pictures"
            )
        kinds = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
        what = f"holds {len(entries)} entries but no images" if entries else "the folder is empty"
        raise SourceError(f"{folder}: {what}; allowed are {kinds}, directly in the folder")
    files.sort(key=lambda f: natural(f.name))
    if pattern is None:
        return files
    chosen = [f for f in files if fnmatch.fnmatchcase(f.name, pattern)]
    if not chosen:
        raise SourceError(f"{folder}: none of its {len(files)} images is called {pattern!r}; one is {files[0].name}")
    return chosen


def _check_numbers(folder: Path, files: list[Path]) -> None:
    """Refuse a folder in which two kinds of names count the same frames, such as pictures and their masks."""
    kinds: dict[tuple[str, str], dict[str, Path]] = {}
    for file in files:
        first, last = re.search(r"\d", file.stem), re.search(r"\d(?=\D*$)", file.stem)
        begin, end = (first.start(), last.end()) if first and last else (len(file.stem), len(file.stem))
        kind = file.stem[:begin], file.stem[end:] + file.suffix
        kinds.setdefault(kind, {})[file.stem[begin:end]] = file
    for (one, these), (other, those) in itertools.combinations(kinds.items(), 2):
        shared = these.keys() & those.keys()
        if one[0] != other[0] or 2 * len(shared) < min(len(these), len(those)) or not shared:
            continue
        ending = min(one[1], other[1], key=lambda end: (len(Path(f"a{end}").stem), end))  # of one stem the .jpg
        number = min(shared, key=natural)
        pattern = _pattern_of(ending, files) if number else f"*{ending}"
        raise SourceError(
            f"{folder}: {these[number].name} and {those[number].name} both stand for frame {number or 'one'}; say "
            f"which are the frames of the video: --pattern '{pattern}' (in Python: pattern=...)"
        )


def _pattern_of(ending: str, files: list[Path]) -> str:
    """A pattern for the files whose names end so behind their number, and no others."""
    longer = any(f.name.endswith(ending) and not f.name[: -len(ending)][-1:].isdecimal() for f in files)
    return f"*[0-9]{ending}" if longer else f"*{ending}"


def _text(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
