"""Video files: every codec and container that FFmpeg reads, exact frame numbers and times, constant memory."""

from __future__ import annotations

import copy
import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from sam2s.errors import SourceError
from sam2s.limits import check_pixels
from sam2s.video.container import StoredVideo
from sam2s.video.decoder import Decoder
from sam2s.video.frame import Frame, check_range
from sam2s.video.picture import RgbConverter

log = logging.getLogger(__name__)

# Decoded pictures kept, so that `frame` can step backwards without decoding a whole group of pictures each time.
_CACHE_BYTES = 64 << 20
# A frame so far ahead of the last one is reached by decoding on, a farther one by seeking.
_AHEAD = 32
_HASHED_BYTES = 1 << 20


class FileSource:
    """Frames of a video file.

    Frames are numbered in presentation order as a decoder shows them (edit lists applied). Times are the stream's own
    time stamps; where a container stores none (AVI with B-frames, raw streams) the time is index / fps.

    Reading is strict: damage that the decoder notices ends the sequence. Some codecs have no checksums (VP9, the inside
    of HEVC pictures); wrong pixels there go unnoticed by every decoder.

    Attributes:
        length: number of frames from the packet table of MP4, MOV and AVI. Other containers have no such table, and
            what their metadata say may be wrong: None, unless `count` has read through the file.
        duration: seconds as the container declares them, good enough for a progress bar; None where unknown.
        time_base: unit of the stream's time stamps in seconds.
        title: what the container notes as title, or None.
        pixel_aspect: width of a pixel by its height, as players show the frames; 1 for square pixels.
    """

    seekable = True

    def __init__(
        self, path: str | os.PathLike[str] | StoredVideo, *, threads: int | None = None, square_pixels: bool = False
    ) -> None:
        """Open a file and decode its first frame, nothing more.

        Args:
            path: the file, or a bit stream inside one of another kind.
            threads: threads of one decoder; by default up to 4.
            square_pixels: scale frames of PAL, DV and other recordings whose pixels are not square to the width at
                which players show them.

        Raises:
            SourceError: if the file does not exist, is not a video, holds no pictures, or its first frame is damaged.
        """
        self.path: StoredVideo = Path(path) if isinstance(path, (str, os.PathLike)) else path
        self.name = self.path.stem
        self._decoder = Decoder(self.path, threads or min(4, os.cpu_count() or 1))
        self.fps: Fraction | None = self._decoder.fps
        self.duration: Fraction | None = self._decoder.duration
        self.time_base: Fraction = self._decoder.time_base
        self.title: str | None = self._decoder.title
        stored = self._decoder.pixel_aspect
        self._stretch = stored if square_pixels else Fraction(1)
        self._rgb = RgbConverter(self._decoder.first, self._stretch)
        self.size: tuple[int, int] = self._rgb.size
        check_pixels(*self.size, str(self.path))
        left = stored / self._stretch
        self.pixel_aspect = 1 / left if self._rgb.turned else left
        if self.pixel_aspect != 1:
            log.warning(
                "%s: its pixels are not square (%s:%s): frames have %dx%d pixels, and those count in coordinates, "
                "while players show %dx%d; --square-pixels scales the frames to that",
                self.path,
                self.pixel_aspect.numerator,
                self.pixel_aspect.denominator,
                *self.size[::-1],
                *RgbConverter(self._decoder.first, stored).size[::-1],
            )
        self._scaled: RgbConverter | None = None
        self._lock = threading.Lock()
        self._cache: OrderedDict[int, Any] = OrderedDict()
        self._capacity = min(64, max(4, _CACHE_BYTES // (2 * self.size[0] * self.size[1])))
        self._cursor: Generator[tuple[int, Any]] | None = None
        self._reached = -1

    @property
    def length(self) -> int | None:
        """Number of frames, or None if the container does not tell."""
        return self._decoder.total

    def count(self) -> int:
        """Exact number of frames; reads through the file, without decoding, where the container has no table."""
        return self._decoder.count()

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames start, start + step, ... below stop, each decoded when it is asked for.

        Raises:
            TruncatedSourceError: after the last good frame of a damaged file, if `stop` lies behind the damage.
        """
        check_range(start, stop, step)
        rgb = RgbConverter(self._decoder.first, self._stretch)
        if stop is not None and start >= stop:
            return
        for number, picture in self._decoder.walk(start):
            if number >= start and (number - start) % step == 0:
                yield self._frame(number, picture, rgb)
            if stop is not None and number + 1 >= stop:
                return

    def frame(self, index: int) -> Frame:
        """Read one frame, decoding from the key frame before it; its neighbours on both sides then come cheaply.

        Raises:
            SourceError: if the video has no such frame, or it lies in a damaged part.
        """
        with self._lock:
            return self._frame(index, self._picture(index), self._rgb)

    def scaled_frame(self, index: int, width: int) -> Frame:
        """Read one frame at a smaller size, which costs less than scaling what `frame` returns.

        Args:
            index: of the frame.
            width: of its picture, at most that of the video; the height follows.

        Raises:
            SourceError: if the video has no such frame, or it lies in a damaged part.
        """
        with self._lock:
            if self._scaled is None or self._scaled.size[1] != width:
                self._scaled = RgbConverter(self._decoder.first, self._stretch, Fraction(width, self.size[1]))
            return self._frame(index, self._picture(index), self._scaled)

    def fingerprint(self) -> str:
        """Hash of the stream's parameters, the file's size, and its first and last MiB."""
        scale = "" if self._stretch == 1 else f" {self._stretch}"
        digest = hashlib.blake2b((self._decoder.parameters + scale).encode(), digest_size=16)
        with self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest.update(str(size).encode())
            for offset in (0, max(0, size - _HASHED_BYTES)):
                file.seek(offset)
                digest.update(file.read(_HASHED_BYTES))
        return digest.hexdigest()

    def at_hand(self, index: int) -> bool:
        """Whether `frame` would find this frame decoded."""
        return index in self._cache

    def reopened(self) -> FileSource:
        """Another reader of the same file at a place of its own; the table of packets is not read again."""
        other = copy.copy(self)
        other._lock, other._cache, other._cursor, other._reached = threading.Lock(), OrderedDict(), None, -1
        other._rgb, other._scaled = RgbConverter(self._decoder.first, self._stretch), None
        return other

    def close(self) -> None:
        """Release the decoder; idempotent."""
        with self._lock:
            self._cache.clear()
            self._leave()
        self._decoder.close()

    def __enter__(self) -> FileSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _frame(self, number: int, picture: Any, rgb: RgbConverter) -> Frame:
        pts = number / self.fps if self.fps else None
        if self._decoder.clocked and picture.pts is not None:
            pts = picture.pts * self.time_base
        return Frame(rgb(picture), number, pts)

    def _picture(self, index: int) -> Any:
        if index not in self._cache:
            self._read(index)
        self._cache.move_to_end(index)
        return self._cache[index]

    def _read(self, index: int) -> None:
        """Decode up to a frame and keep it and those before it."""
        if self._cursor is None or not self._reached < index <= self._reached + _AHEAD:
            self._leave()
            if index < 0 or (self.length is not None and index >= self.length):
                raise self._no_frame(index)
            self._cursor = self._decoder.walk(index)
        try:
            for number, picture in self._cursor:
                self._reached = number
                self._cache[number] = picture
                while len(self._cache) > self._capacity:
                    self._cache.popitem(last=False)
                if number >= index:
                    return
        except BaseException:
            self._leave()
            raise
        self._leave()
        raise self._no_frame(index)

    def _leave(self) -> None:
        if self._cursor is not None:
            self._cursor.close()
        self._cursor, self._reached = None, -1

    def _no_frame(self, index: int) -> SourceError:
        return SourceError(
            f"{self.path}: there is no frame {index}; the video has {self.count()} frames, counted from 0"
        )
