"""Opening video files with FFmpeg."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

import av

from sam2s.errors import SourceError


class StoredVideo(Protocol):
    """A file, or a bit stream inside a file of another kind; as a text it is what messages call it.

    Attributes:
        stem: name without folder and ending.
    """

    @property
    def stem(self) -> str:
        """Name without folder and ending."""
        ...

    def open(self, mode: Literal["rb"]) -> BinaryIO:
        """Open it from its beginning."""
        ...


class SpareContainer:
    """A container that was left open, with its stream, to be read from elsewhere.

    A long video has a long table of packets, which takes as long to read as ten frames of Full HD take to decode.
    Threads may share one; whoever finds it lent opens another, and of those that come back one is kept.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Any, Any]] = []

    @contextmanager
    def borrow(self, open_anew: Callable[[], tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
        """The container and its stream, put back unless it is left with an error."""
        try:
            opened = self._kept.pop()
        except IndexError:
            opened = open_anew()
        intact = True
        try:
            yield opened
        except BaseException as error:
            intact = isinstance(error, GeneratorExit)  # whoever reads has seen enough
            raise
        finally:
            if intact and not self._kept:
                self._kept.append(opened)
            else:
                opened[0].close()

    def close(self) -> None:
        """Close what is kept; idempotent."""
        while self._kept:
            self._kept.pop()[0].close()


def open_container(
    path: StoredVideo, threads: int, *, single_thread: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Open a file and pick its video stream.

    Args:
        path: the file, or what is in one; that names its `container` in FFmpeg's words.
        threads: of the decoder.
        single_thread: let one thread do everything, so that errors come with the packet that they belong to.
        strict: let the decoder refuse what it could make up for.

    Raises:
        SourceError: it does not exist, cannot be read, is not a video, holds no pictures, or its codec is unknown.
    """
    try:
        container = _open_file(path) if isinstance(path, Path) else _open_stream(path)
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except PermissionError:
        raise SourceError(f"{path}: permission denied; make the file readable") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _no_video(path) from error
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if container.format.name == "tty" or not streams:
        kinds = sorted({s.type for s in container.streams if s not in container.streams.video})
        container.close()
        if not kinds:
            raise _no_video(path)
        raise SourceError(f"{path}: holds no video, only {' and '.join(kinds)}")
    stream = next((s for s in streams if s.codec_context is not None), None)
    if stream is None:
        container.close()
        raise SourceError(
            f"{path}: its codec is unknown: the header is damaged, or FFmpeg has no decoder for it; convert the "
            "recording with the software that made it"
        )
    # Decoding threads that log through Python wait for the thread that waits for them.
    threading_type = "AUTO" if av.logging.get_level() is None else "SLICE"
    stream.thread_type = "NONE" if single_thread else threading_type
    stream.codec_context.thread_count = threads
    if strict:
        stream.codec_context.options = {"err_detect": "explode"}
    return container, stream


def _open_file(path: Path) -> Any:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise SourceError(
            f"{path}: is a pipe or device, which can be read but once; record it to a file, or send it as a stream "
            "(udp://, tcp://, rtsp://)"
        )
    # FFmpeg takes what stands before a colon for a protocol, unless a path is absolute.
    return av.open(os.path.abspath(path), metadata_errors="replace")


def _open_stream(video: StoredVideo) -> Any:
    # The container is named, so that no demultiplexer is tried that would open files by names it finds in the stream.
    container: str = getattr(video, "container", "mp4")
    return av.open(video.open("rb"), format=container, metadata_errors="replace")


def _no_video(path: StoredVideo) -> SourceError:
    if isinstance(path, Path) and path.stat().st_size == 0:
        return SourceError(f"{path}: the file is empty")
    return SourceError(
        f"{path}: not a video that FFmpeg can read, or a recording that was cut off before its header was "
        "written; allowed are video files, folders of images, arrays (.npy), camera:N and stream addresses"
    )
