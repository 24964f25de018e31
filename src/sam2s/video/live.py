"""Cameras and network streams: frames as they come, reconnecting when they stop."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Literal

import av

from sam2s.errors import ConfigError, LimitError, SourceError, TruncatedSourceError
from sam2s.limits import check_pixels
from sam2s.video.address import device_input, has_end, public_address
from sam2s.video.frame import Frame
from sam2s.video.picture import RgbConverter, pixel_aspect_of

log = logging.getLogger(__name__)

Policy = Literal["latest", "block"]
_BACKOFF_SECONDS = (0.25, 8.0)
_TICK_SECONDS = 0.1  # how soon a wait notices that the source was closed, also by a signal handler
_GRACE_SECONDS = 1.0  # how long the end of `frames` waits for the reader, which may be waiting for data itself


class LiveSource:
    """Frames of a camera (`camera:0`, `/dev/video0`) or a stream (RTSP, RTMP, HTTP, UDP, TCP, SRT).

    A thread reads, so that nobody who waits for a silent stream is out of reach of `close` and of Ctrl-C. Policy
    `latest` hands out the newest frame: frames that come while the consumer works are dropped and counted, so that it
    never falls behind. Policy `block` hands out every frame that arrives, and lets the sender wait (over UDP: lose)
    while the consumer works.

    Frames are numbered as they arrive, dropped ones included. Times are the stream's own; after a reconnection that
    starts the clock anew they go on from the last one. When a stream without a known end breaks off, it is opened
    again, with growing pauses; after `reconnects` failures in a row reading ends with an error.

    Attributes:
        name: host, port and path (or the device) joined by '-': fit for a file name, free of user and password.
        address: the target without user, password and query, for messages.
        dropped: frames that arrived and were never handed out.
        arrived: `time.perf_counter()` at which the frame handed out last had arrived, decoded.
        reconnected: times that a broken stream was opened again.
    """

    seekable = False
    length: int | None = None

    def __init__(self, target: str, *, policy: Policy = "latest", reconnects: int = 5, timeout: float = 10.0) -> None:
        """Connect and wait for the first picture, which tells the size that pictures have once they are upright.

        Args:
            target: `camera:N`, a device, or an address.
            policy: `latest` or `block`.
            reconnects: how often in a row to try to open a broken stream again.
            timeout: seconds without data after which a stream counts as broken.

        Raises:
            SourceError: if nothing answers, or what answers is not a video.
        """
        if policy not in ("latest", "block"):
            raise ConfigError(f"policy '{policy}'; allowed are 'latest' and 'block'")
        self._target = target
        self.address = public_address(target)
        self.name = re.sub(r"[^\w.-]+", "-", self.address.partition("://")[2] or target).strip("-.")[:100]
        self.policy = policy
        self.reconnects = reconnects
        self.timeout = timeout
        self.dropped = 0
        self.arrived = 0.0
        self.reconnected = 0
        self.fps: Fraction | None = None
        self.pixel_aspect = Fraction(1)
        self._stop = threading.Event()
        self._started = False
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Frame, float]] = deque()  # at most one, and when it came
        self._ended = False
        self._error: BaseException | None = None
        self._reader = threading.Thread(target=self._read, name="sam2s-live", daemon=True)
        self._reader.start()
        try:
            with self._changed:
                self._wait_while(lambda: not self._waiting and not self._ended)
            if self._error is not None:
                raise self._error
        except BaseException:
            self._stop.set()
            raise
        self.size: tuple[int, int] = self._waiting[0][0].image.shape[:2]

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames as they come; once only. `start`, `stop` and `step` count frames that arrive, dropped or not.

        Raises:
            TruncatedSourceError: if the stream broke off and could not be opened again.
        """
        if self._started:
            raise SourceError(f"{self.address}: a live stream can be read once; open it again")
        self._started = True
        due = start
        try:
            while (frame := self._next()) is not None and (stop is None or frame.index < stop):
                if frame.index >= due:
                    due = frame.index + step
                    yield frame
                if stop is not None and frame.index + 1 >= stop:
                    return
        finally:
            self._stop.set()
            self._reader.join(_GRACE_SECONDS)

    def frame(self, index: int) -> Frame:
        """Not possible.

        Raises:
            SourceError: always.
        """
        raise SourceError(
            f"{self.address}: a live stream has no frame {index} to go back to; record it to a file first"
        )

    def fingerprint(self) -> str:
        """Hash of the address: what it will show is not known."""
        return hashlib.blake2b(self.address.encode(), digest_size=16).hexdigest()

    def close(self) -> None:
        """Stop reading, and end `frames` at once even if no data come; idempotent, and safe in a signal handler.

        The connection of a silent stream is let go of at the latest after `timeout`.
        """
        self._stop.set()

    def __enter__(self) -> LiveSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> Any:
        address, container_format, options = device_input(self._target)
        try:
            container = av.open(address, format=container_format, options=options, timeout=self.timeout)
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error).replace(self._target, self.address)
            if isinstance(error, av.ExitError):  # how FFmpeg calls a timeout
                reason = f"nothing came for {self.timeout:g} s"
            raise SourceError(
                f"{self.address}: cannot be opened ({reason}); check the address and that it is sending"
            ) from None  # the cause would show the password
        context = container.streams.video[0].codec_context if container.streams.video else None
        if context is None or not context.width:
            container.close()
            raise SourceError(f"{self.address}: sends no video")
        try:
            check_pixels(context.height, context.width, self.address)
        except LimitError:
            container.close()
            raise
        container.streams.video[0].thread_type = "SLICE"  # threads by frame would delay each picture by several
        return container

    def _arriving(self) -> Iterator[Frame]:
        """Every frame that arrives, over as many connections as it takes."""
        convert: RgbConverter | None = None
        index = 0
        last: Fraction | None = None
        container = self._connect()
        finite = has_end(container, self._target)
        try:
            while not self._stop.is_set():
                shift = Fraction(0) if last is None else None
                stream = container.streams.video[0]
                self.fps = self.fps or stream.average_rate or stream.guessed_rate
                self.pixel_aspect = pixel_aspect_of(stream)
                pictures = _Pictures(container)
                for picture in pictures:
                    if self._stop.is_set():
                        return
                    convert = convert or RgbConverter(picture)
                    clocked = picture.pts is not None and stream.time_base is not None
                    pts = picture.pts * stream.time_base if clocked else None
                    if pts is not None:
                        if shift is None:  # the first frame of a new connection
                            shift = Fraction(0) if last is None or pts > last else last - pts + 1 / (self.fps or 25)
                        pts = last = pts + shift
                    yield Frame(convert(picture), index, pts)
                    index += 1
                if not index:
                    raise SourceError(f"{self.address}: answers, but sends no picture; check that it is sending video")
                if finite and pictures.broken:
                    raise TruncatedSourceError(
                        f"{self.address}: a recording, of which {index} frames came before the connection broke off "
                        f"({pictures.broken}); fetch it to a file first"
                    )
                if finite:
                    return
                container.close()
                if not (container := self._reconnect(index)):
                    return
        finally:
            if container:
                container.close()

    def _reconnect(self, index: int) -> Any:
        """Open a broken stream again; None when the source was closed meanwhile."""
        pause, longest = _BACKOFF_SECONDS
        for attempt in range(1, self.reconnects + 1):
            log.warning(
                "%s: broke off after %d frames, opening it again (%d/%d)", self.address, index, attempt, self.reconnects
            )
            if self._stop.wait(pause):
                return None
            pause = min(2 * pause, longest)
            with contextlib.suppress(SourceError):
                container = self._connect()
                self.reconnected += 1
                return container
        raise TruncatedSourceError(
            f"{self.address}: broke off after {index} frames and could not be opened again "
            f"in {self.reconnects} attempts"
        )

    def _read(self) -> None:
        """The reader's work: keep one frame waiting for the consumer."""
        try:
            with contextlib.closing(self._arriving()) as arriving:  # type: ignore[type-var]
                for frame in arriving:
                    with self._changed:
                        self._wait_while(lambda: self._waiting and (self.policy == "block" or not self._started))
                        if self._stop.is_set():
                            break
                        self.dropped += len(self._waiting)
                        self._waiting.clear()
                        self._waiting.append((frame, time.perf_counter()))
                        self._changed.notify_all()
        except BaseException as caught:
            self._error = caught
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _next(self) -> Frame | None:
        """The frame that waits, or comes next; None at the end."""
        with self._changed:
            self._wait_while(lambda: not self._waiting and not self._ended)
            if self._stop.is_set():
                return None
            if self._waiting:
                self._changed.notify_all()
                frame, self.arrived = self._waiting.popleft()
                return frame
        if self._error is not None:
            raise self._error
        return None

    def _wait_while(self, condition: Callable[[], Any]) -> None:
        while condition() and not self._stop.is_set():
            self._changed.wait(_TICK_SECONDS)


class _Pictures:
    """Decodes until a stream ends or breaks; damaged packets are passed over, as the next key frame mends them.

    Attributes:
        broken: what broke it, empty at a regular end.
    """

    def __init__(self, container: Any) -> None:
        self._container = container
        self.broken = ""

    def __iter__(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._container.streams.video[0]):
                with contextlib.suppress(av.InvalidDataError):
                    yield from packet.decode()
        except (av.FFmpegError, OSError) as error:
            self.broken = getattr(error, "strerror", None) or str(error)
