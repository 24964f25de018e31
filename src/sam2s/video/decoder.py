"""Numbered pictures of a video file, from the beginning or from the middle, up to the first damage."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from sam2s.errors import SourceError, TruncatedSourceError
from sam2s.limits import check_pixels
from sam2s.video.damage import Care, DamageError, Watch, before, is_seam, judged, pictures_of
from sam2s.video.keyframes import KeyFrames, is_shown
from sam2s.video.picture import pixel_aspect_of

# Up to here decoding from the beginning costs less than reading ahead for key frames.
_NEAR = 32


class Decoder:
    """Opens one file as often as needed; holds no open file itself, except while it looks for key frames.

    Attributes:
        first: the first picture; its size and rotation hold for the file.
        title: as the container notes it, or None.
        pixel_aspect: width of a stored pixel by its height, 1 where nothing or nonsense is said.
        total: number of pictures, or None where the container has no packet table and `count` was not called.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self.path = path
        self._threads = threads
        self._strict = True
        self._joined = False  # time was seen to go back, so that a time stamp is no address
        self._scan: Iterator[int] | None = None
        self._scan_lock = threading.Lock()
        container, stream = self.open()
        with container:
            context = stream.codec_context
            check_pixels(context.height, context.width, str(path))
            self.fps: Fraction | None = stream.average_rate or stream.guessed_rate
            self.time_base: Fraction = stream.time_base
            self.duration = Fraction(container.duration, av.time_base) if container.duration else None
            self.parameters = f"{context.name} {context.width}x{context.height} {self.fps}"
            self.title: str | None = container.metadata.get("title")
            self.pixel_aspect = pixel_aspect_of(stream)
            self._start = Fraction(container.start_time or 0, av.time_base)
            self._keys = KeyFrames(container, stream)
            # Sound may be longer than the pictures, so that the end of either is known but roughly.
            self._slack = 2 / self.fps if self.fps and len(container.streams) == 1 else Fraction(1, 2)
            # A transport stream does not say where it ends.
            self._endless = container.format.name == "mpegts"
            self._declared = self._keys.total or stream.frames
            reordered = container.format.name == "avi" and context.has_b_frames
        self.first, self._hidden = self._first_picture()
        self.clocked = self.first.pts is not None and not reordered

    @property
    def total(self) -> int | None:
        """Number of frames, or None if the container does not tell."""
        return None if self._keys.total is None else self._keys.total - self._hidden

    def count(self) -> int:
        """Number of pictures; reads all packets, without decoding, where there is no table."""
        self._learn_keys(None)
        return self.total or 0

    def close(self) -> None:
        """Close the file; idempotent."""
        with self._scan_lock:
            self._scan = None

    def open(self, *, single_thread: bool = False, strict: bool = False) -> tuple[Any, Any]:
        """Open the file and pick its video stream.

        Raises:
            SourceError: if it does not exist, cannot be read, is no video, or holds no pictures.
        """
        try:
            # FFmpeg takes what stands before a colon for a protocol, unless a path is absolute.
            container = av.open(os.path.abspath(self.path), metadata_errors="replace")
        except FileNotFoundError:
            raise SourceError(f"{self.path}: no such file") from None
        except PermissionError:
            raise SourceError(f"{self.path}: permission denied; make the file readable") from None
        except (av.FFmpegError, OSError, ValueError) as error:
            raise self._not_a_video() from error
        streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
        if container.format.name == "tty" or not streams:
            kinds = sorted({s.type for s in container.streams if s not in container.streams.video})
            container.close()
            if not kinds:
                raise self._not_a_video()
            raise SourceError(f"{self.path}: holds no video, only {' and '.join(kinds)}")
        stream = streams[0]
        # Decoding threads that log through Python wait for the thread that waits for them.
        threading_type = "AUTO" if av.logging.get_level() is None else "SLICE"
        stream.thread_type = "NONE" if single_thread else threading_type
        stream.codec_context.thread_count = 1 if single_thread else self._threads
        if strict:
            stream.codec_context.options = {"err_detect": "explode"}
        return container, stream

    def _not_a_video(self) -> SourceError:
        if self.path.stat().st_size == 0:
            return SourceError(f"{self.path}: the file is empty")
        return SourceError(
            f"{self.path}: not a video that FFmpeg can read, or a recording that was cut off before its header was "
            "written; allowed are video files, folders of images, arrays (.npy), camera:N and stream addresses"
        )

    def _first_picture(self) -> tuple[Any, int]:
        """Decode one picture; also count the packets before it that the decoder never shows."""
        # Some encoders break the codec's rules from the first frame on: then be lenient with the whole file.
        for self._strict in (True, False):
            container, stream = self.open(strict=self._strict)
            seen: list[int] = []
            with container:
                try:
                    for packet in container.demux(stream):
                        if packet.pts is not None and is_shown(packet):
                            seen.append(packet.pts)
                        for picture in packet.decode():
                            if picture.is_corrupt:
                                raise av.InvalidDataError(0, "corrupt picture")
                            return picture, sum(pts < picture.pts for pts in seen if picture.pts is not None)
                except av.FFmpegError:
                    continue
        raise SourceError(f"{self.path}: its first frame cannot be decoded ({self.parameters}); the file is damaged")

    def walk(self, first: int) -> Generator[tuple[int, Any]]:
        """Yield (number, picture) in order, from the key frame at or before `first` on.

        Raises:
            TruncatedSourceError: after the last picture before the damage.
        """
        # A decoder that begins in the middle of open groups of pictures misses some of their past; a strict one calls
        # that damage.
        care = Care(strict=self._strict and first == 0)
        expected, reached = first, None
        while True:
            try:
                for number, picture in self._decode(expected, care):
                    if care.safe_pts is not None:
                        if not before(care.safe_pts, picture.pts):
                            continue
                        number = expected
                    elif first <= number < expected:
                        continue
                    if number >= first:
                        expected, last_pts = number + 1, picture.pts
                    reached = number + 1
                    yield number, picture
                return
            except DamageError as damage:
                # With several threads an error surfaces late, and a decoder that met a bad packet may drop good
                # pictures. So decode the stretch again with one thread to find the packet, and once more to stop
                # right before it.
                if damage.settled or (care.single_thread and (damage.pts is None or self._joined)):
                    raise self._truncated(first, reached or first) from damage
                safe_pts = last_pts if expected > first and not self._joined else None
                care = Care(care.strict, True, safe_pts, damage.pts if care.single_thread else None)

    def _truncated(self, first: int, number: int) -> TruncatedSourceError:
        at = f" ({float(number / self.fps):.2f} s)" if self.fps else ""
        total = f" of {self.total}" if self.total and self.total > number else ""
        if number <= first > 0:
            read = f"frame {first}{total} cannot be read"
        elif first:
            read = f"frames {first} to {number - 1}{total} lie before the damage and were read"
        else:
            read = f"{number}{total} frames lie before the damage and were read"
        behind = "Frames behind it, if any, can be read by starting there (--start)"
        if self._joined or not self._keys.monotonic:
            behind = "Frames behind it cannot be reached, as the time stamps of the file are not in order"
        return TruncatedSourceError(f"{self.path}: damaged or cut off at frame {number}{at}; {read}. {behind}")

    def _decode(self, first: int, care: Care) -> Iterator[tuple[int, Any]]:
        container, stream = self.open(single_thread=care.single_thread, strict=care.strict)
        with container:
            found = self._packets_from(container, stream, first, care)
            if found is None:
                yield from self._decode(0, care)
                return
            origin, packets = found
            context = stream.codec_context
            watch = Watch(self._start, bytewise=not self._keys.tabled)
            key_pts: int | None = None
            shown = leading = 0
            number: int | None = None
            last, joined = None, False
            for packet, bad in judged(packets, stream.index):
                watch.packet(packet)
                if packet.stream_index != stream.index:
                    continue
                seam, last = is_seam(last, packet), packet
                joined = joined or seam
                self._joined = self._joined or seam
                if origin and not joined:
                    # After a key frame may come pictures that are shown before it and need what lies before it.
                    key_pts = packet.pts if key_pts is None else key_pts
                    if before(packet.pts, key_pts):
                        leading += is_shown(packet)
                        continue
                shown += is_shown(packet)
                afresh = seam and self._endless
                if afresh or (
                    not packet.size
                    and (self._endless or self._ended_early(origin + leading + shown - self._hidden, watch.end))
                ):
                    watch.suspect()
                for picture in pictures_of(packet, context, care, bad=bad, afresh=afresh):
                    watch.picture(picture)
                    if number is None:
                        number = origin + leading - self._hidden if origin else 0
                        if origin and number > first:
                            yield from self._decode(origin - 1 - self._hidden, care)
                            return
                    yield number, picture
                    number += 1
            if self._ended_early(number or 0, watch.end):
                raise DamageError(settled=True)

    def _ended_early(self, number: int, end: Fraction) -> bool:
        if self._declared:
            return number < self._declared - self._hidden
        return self.duration is not None and end + self._slack < self._start + self.duration

    def _packets_from(self, container: Any, stream: Any, first: int, care: Care) -> tuple[int, Iterator[Any]] | None:
        """Packets from a key frame at or before `first` on, and its position; 0 and all packets if there is none.

        None if the container could not be put there, so that it has to be opened anew.
        """
        if first > (0 if care.single_thread or self._keys.tabled else _NEAR):
            position = first + self._hidden
            self._learn_keys(position)
            stamps = self._keys.stamps_before(position)
            for stamp in stamps:
                container.seek(stamp, stream=stream)
                packets = container.demux()
                landed = next((p for p in packets if p.stream_index == stream.index and p.is_keyframe), None)
                origin = self._keys.position(landed) if landed is not None else None
                if origin is not None and origin <= position:
                    return origin, itertools.chain([landed], packets)
            if stamps:
                return None
        return 0, container.demux()

    def _learn_keys(self, position: int | None) -> None:
        """Read packets until the key frames up to a position are known and cannot be mistaken, or all of them."""
        with self._scan_lock:
            if self._keys.total is not None:
                return
            if self._scan is None:
                self._scan = self._keys.scan(self._all_packets())
            for reached in self._scan:
                if position is not None and reached > position and self._keys.placed:
                    return

    def _all_packets(self) -> Iterator[Any]:
        container, stream = self.open()
        with container, contextlib.suppress(av.FFmpegError):
            yield from container.demux(stream)
