"""Frames by exact index as pictures a browser can show, with a bounded cache and a bounded number of open decoders."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Literal

from PIL import Image

from sam2s.app.problems import ApiError
from sam2s.app.settings import AppLimits
from sam2s.app.video_files import open_video, reopen
from sam2s.video import Frame, VideoSource

PictureFormat = Literal["jpeg", "webp", "png"]
MEDIA_TYPES: dict[PictureFormat, str] = {"jpeg": "image/jpeg", "webp": "image/webp", "png": "image/png"}
_QUALITY = 88
_MOST_READERS = 3
_NEAR = 48
"""A decoder that stands at most so many frames before the one asked for goes on instead of seeking."""
_SOON = 16
"""One that is at work so few frames away is waited for, since what lies round its frame is at hand then."""


class PictureCache:
    """Encoded pictures, the least recently used leave when the bytes exceed the bound."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._size = capacity, 0
        self._pictures: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._size

    def get(self, key: tuple[object, ...]) -> bytes | None:
        """Return a picture and note that it was used."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)

    def put(self, key: tuple[object, ...], picture: bytes) -> None:
        """Keep a picture, unless it alone is larger than the bound."""
        if len(picture) > self._capacity:
            return
        with self._lock:
            if key in self._pictures:
                return
            self._pictures[key] = picture
            self._size += len(picture)
            while self._size > self._capacity:
                _, gone = self._pictures.popitem(last=False)
                self._size -= len(gone)


class _Reader:
    """One decoder of a video and where it stands, or will stand when it has done what it is at."""

    def __init__(self, source: VideoSource) -> None:
        self.source, self.at, self.busy = source, 0, True

    def is_near(self, index: int, reach: int) -> bool:
        """Whether a frame is at hand, or so few frames ahead that decoding on costs less than seeking."""
        at_hand: Callable[[int], bool] | None = getattr(self.source, "at_hand", None)
        return 0 <= index - self.at <= reach or (at_hand is not None and at_hand(index))


class FrameServer:
    """Serves frames of one video through a few decoders, so that people at different places do not wait.

    Attributes:
        source: the opened video, for its size, rate and length.
    """

    def __init__(self, path: Path, workspace: Path, limits: AppLimits, cache: PictureCache) -> None:
        self.path, self._workspace, self._limits, self._cache = path, workspace, limits, cache
        self.source: VideoSource = open_video(path, workspace)
        height, width = self.source.size
        if height * width > limits.frame_pixels:
            raise ApiError(
                "too-large",
                f"{path.name}: frames of {width} x {height} pixels; at most {limits.frame_pixels} are shown",
            )
        self._free = threading.Condition()
        self._readers = [_Reader(self.source)]
        self._readers[0].busy = False
        self._closed = False
        self._length = self.source.length
        self._pts: OrderedDict[int, Fraction | None] = OrderedDict()
        stat = path.stat()
        self._key = (str(path), stat.st_mtime_ns, stat.st_size)

    @property
    def length(self) -> int:
        """Number of frames; counted once where the container has no table."""
        if self._length is None:
            count: Callable[[], int] | None = getattr(self.source, "count", None)
            self._length = count() if count else sum(1 for _ in self.source.frames())
        return self._length

    @property
    def decoders(self) -> int:
        """How many decoders are open."""
        return len(self._readers)

    def picture(self, index: int, width: int | None = None, kind: PictureFormat = "jpeg") -> bytes:
        """Encode a frame, scaled down to at most `width`.

        Raises:
            ApiError: there is no such frame.
            SourceError: it cannot be decoded.
        """
        self.check(index)
        height, full = self.source.size
        width = full if width is None else max(1, min(width, full))
        key = (*self._key, index, width, kind)
        if (ready := self._cache.get(key)) is not None:
            return ready
        image = Image.fromarray(self.frame(index, width).image)
        if image.width > width:
            image = image.resize(
                (width, max(1, round(height * width / full))), Image.Resampling.BILINEAR, reducing_gap=2
            )
        buffer = io.BytesIO()
        if kind == "png":
            image.save(buffer, "PNG", compress_level=1)
        elif kind == "webp":
            image.save(buffer, "WEBP", quality=_QUALITY, method=0)
        else:
            image.save(buffer, "JPEG", quality=_QUALITY)
        self._cache.put(key, buffer.getvalue())
        return buffer.getvalue()

    def pts(self, index: int) -> Fraction | None:
        """Exact time of a frame in seconds, or None where the source has no clock."""
        if index not in self._pts:
            self.frame(index)
        return self._pts[index]

    def check(self, index: int) -> None:
        """Refuse a frame that the video does not have.

        Raises:
            ApiError: naming the frames that there are.
        """
        if not 0 <= index < self.length:
            raise ApiError("not-found", f"there is no frame {index}; frames run from 0 to {self.length - 1}", "frame")

    def frame(self, index: int, width: int | None = None) -> Frame:
        """Decode a frame with the decoder that stands nearest before it; scaled to a width where the source can."""
        reader = self._take(index)
        try:
            scaled: Callable[[int, int], Frame] | None = getattr(reader.source, "scaled_frame", None)
            if scaled is None or width is None or width >= self.source.size[1]:
                frame = reader.source.frame(index)
            else:
                frame = scaled(index, width)
        finally:
            with self._free:
                reader.busy = False
                self._free.notify_all()
        self._note_pts(index, frame.pts)
        return frame

    def close(self) -> None:
        """Release the decoders; idempotent. One that is at work is released by who uses it last."""
        with self._free:
            self._closed = True
            self._free.wait_for(lambda: not any(reader.busy for reader in self._readers), timeout=10)
            for reader in self._readers:
                reader.source.close()

    def _take(self, index: int) -> _Reader:
        with self._free:
            while True:
                if self._closed:
                    raise ApiError("not-found", f"{self.path.name} was closed; open it again")
                idle = [reader for reader in self._readers if not reader.busy]
                near = [reader for reader in idle if reader.is_near(index, _NEAR)]
                soon = any(reader.busy and abs(index - reader.at) <= _SOON for reader in self._readers)
                if near or (idle and not soon and len(self._readers) == _MOST_READERS):
                    reader = min(near or idle, key=lambda reader: abs(index - reader.at))
                elif not soon and len(self._readers) < _MOST_READERS:
                    reader = _Reader(reopen(self.source, self.path, self._workspace))
                    self._readers.append(reader)
                else:
                    self._free.wait()
                    continue
                reader.busy, reader.at = True, index
                return reader

    def _note_pts(self, index: int, pts: Fraction | None) -> None:
        self._pts[index] = pts
        while len(self._pts) > 4096:
            self._pts.popitem(last=False)
