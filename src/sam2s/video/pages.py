"""Picture files that hold a video: TIFF stacks, animated WebP and PNG."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from sam2s.errors import PictureError, SourceError, TruncatedSourceError
from sam2s.picture_files import PictureReader, read_header
from sam2s.video.frame import Frame, check_range


class PagesSource:
    """Frames of one picture file, a page each; a file of one picture is a video of one frame.

    Pages are read as the images of a folder are. Reduced copies in a TIFF file are passed over. How long an animation
    shows each picture is not used: give `fps`.
    """

    seekable = True
    pixel_aspect = Fraction(1)

    def __init__(self, path: str | os.PathLike[str], *, fps: Fraction | None = None) -> None:
        """Read the header and count the pages.

        Raises:
            SourceError: it cannot be read, or declares more pixels than the limit.
        """
        self.path = Path(path)
        header = read_header(self.path)
        self.name = self.path.stem
        self.fps = fps
        self.size: tuple[int, int] = header.size
        self._pages = header.pages
        self.length: int | None = len(self._pages)
        self._reader = PictureReader([self.path])

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames start, start + step, ... below stop, each read when it is asked for.

        Raises:
            TruncatedSourceError: at a page that is damaged; every earlier one has been delivered.
        """
        check_range(start, stop, step)
        wanted = range(start, len(self._pages) if stop is None else min(stop, len(self._pages)), step)
        index = start
        try:
            for index, image in zip(
                wanted, self._reader.read_pages(self.path, [self._pages[i] for i in wanted]), strict=True
            ):
                if image.shape[:2] != self.size:
                    raise SourceError(
                        f"{self.path}: page {index} is {image.shape[1]}x{image.shape[0]}, the first one "
                        f"{self.size[1]}x{self.size[0]}; all frames of a video must have one size"
                    )
                yield Frame(image, index, index / self.fps if self.fps else None)
                index += step
        except PictureError as error:
            raise TruncatedSourceError(f"{self.path}: frame {index} is damaged ({error})") from error

    def frame(self, index: int) -> Frame:
        """Read one page.

        Raises:
            SourceError: if there is no such page, or it is damaged.
        """
        if not 0 <= index < len(self._pages):
            raise SourceError(f"{self.path}: no frame {index}; the file has {len(self._pages)} pages, counted from 0")
        return next(iter(self.frames(index, index + 1)))

    def fingerprint(self) -> str:
        """Hash of all that the file holds."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()

    def close(self) -> None:
        """Nothing to release."""
