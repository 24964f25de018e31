"""Numbered pictures of a video file, from the beginning or from the middle, up to the first damage."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any

import av

from sam2s.errors import SourceError, TruncatedSourceError
from sam2s.limits import check_pixels
from sam2s.video.container import SpareContainer, StoredVideo, open_container
from sam2s.video.damage import (
    Care,
    Packets,
    PacketState,
    Watch,
    before,
    is_seam,
    judged,
    pictures_of,
)
from sam2s.video.keyframes import KeyFrames, is_shown
from sam2s.video.output_check import DamageError
from sam2s.video.picture import pixel_aspect_of
from sam2s.video.structure import Structure, counts_agree, is_cut

# Up to here decoding from the beginning costs less than reading ahead for key frames.
_NEAR = 32


class Decoder:
    """Opens one file as often as needed; between walks it keeps at most one open, to walk on from elsewhere.

    Attributes:
        first: the first picture; its size and rotation hold for the file.
        title: as the container notes it, or None.
        pixel_aspect: width of a stored pixel by its height, 1 where nothing or nonsense is said.
        total: number of pictures, or None where the container has no packet table and `count` was not called.
    """

    def __init__(self, path: StoredVideo, threads: int) -> None:
        self.path = path
        self._threads = threads
        self._strict = True
        self._joined = False  # time was seen to go back, so that a time stamp is not an address
        self._scan: Iterator[int] | None = None
        self._scan_lock = threading.Lock()
        self._spare = SpareContainer()
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
            # The header of an AVI counts frames that the recorder left out as well.
            self._declared = self._keys.total or (0 if container.format.name == "avi" else stream.frames)
            self._cut = not self._keys.tabled and is_cut(path, container.format.name)
            if "mp4" in container.format.name and len(stream.index_entries) < stream.frames:
                self._cut = not counts_agree(path)  # else an edit list leaves frames out
            # So an AVI may end before its duration, when the last frames were left out. Matroska counts it from time 0.
            begins = 0 if "matroska" in container.format.name else self._start
            self._ends = None if container.format.name == "avi" or self.duration is None else begins + self.duration
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
        self._spare.close()

    def open(self, *, single_thread: bool = False, strict: bool = False) -> tuple[Any, Any]:
        """Open the file and pick its video stream; see `open_container`."""
        threads = 1 if single_thread else self._threads
        return open_container(self.path, threads, single_thread=single_thread, strict=strict)

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
        care = Care(strict=self._strict and first == 0, name=str(self.path))
        expected, reached = first, None
        met: set[int | None] = set()
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
                # right before it. A decoder that fails at other packets each time is not followed in circles.
                again = care.single_thread and (damage.pts is None or self._joined or damage.pts in met)
                if damage.settled or again:
                    raise self._truncated(first, reached or first, damage.reason) from damage
                if care.single_thread:
                    met.add(damage.pts)
                safe_pts = last_pts if expected > first and not self._joined else None
                bad_pts = damage.pts if care.single_thread else None
                care = Care(care.strict, True, safe_pts, bad_pts, care.name)

    def _truncated(self, first: int, number: int, reason: str | None) -> TruncatedSourceError:
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
        why = f" ({reason})" if reason else ""
        return TruncatedSourceError(f"{self.path}: damaged or cut off at frame {number}{at}{why}; {read}. {behind}")

    def _decode(self, first: int, care: Care) -> Iterator[tuple[int, Any]]:
        with contextlib.ExitStack() as stack:
            if self._begins_with_seek(first, care):
                container, stream = stack.enter_context(self._spare.borrow(self.open))
            else:
                container, stream = self.open(single_thread=care.single_thread, strict=care.strict)
                stack.enter_context(container)
            origin_and_packets = self._packets_from(container, stream, first, care)
            if origin_and_packets is None:
                yield from self._decode(0, care)
                return
            origin, packets = origin_and_packets
            structure = None if self._keys.tabled else Structure(self.path, container.format.name)
            if structure:
                stack.callback(structure.close)
            watch = Watch(self._start, structure, stream.codec_context.name, whole=origin == 0)
            number: int | None = None
            for packet, state in self._expected(packets, stream.index, origin, watch):
                if state.hole and not care.single_thread:
                    raise DamageError(packet.pts)  # the packet before the hole may be damaged too
                bad = state.bad or state.hole
                for picture in pictures_of(packet, stream.codec_context, care, bad=bad, afresh=state.afresh):
                    watch.picture(picture)
                    if number is None:
                        number = origin + state.leading - self._hidden if origin else 0
                        if origin and number > first:
                            yield from self._decode(origin - 1 - self._hidden, care)
                            return
                    yield number, picture
                    number += 1
            if packets.error is not None:
                raise DamageError(settled=True, reason=packets.reason)
            if self._ended_early(number or 0, watch.end):
                raise DamageError(settled=True)
            watch.finish()

    def _begins_with_seek(self, first: int, care: Care) -> bool:
        """Whether a walk seeks in a container as `open` opens it, so that one that was used before does as well."""
        if not (self._keys.tabled and first > 0) or care.single_thread or care.strict:
            return False
        return bool(self._keys.stamps_before(first + self._hidden))

    def _expected(self, packets: Packets, index: int, origin: int, watch: Watch) -> Iterator[tuple[Any, PacketState]]:
        """Packets of the stream that are to be decoded, each with what is known of it and of those before."""
        key_pts: int | None = None
        shown = 0
        state = PacketState()
        last, last_dts, joined = None, None, False
        for packet, state.bad in judged(packets, index):
            state.hole = watch.packet(packet) or state.hole
            if packet.stream_index != index:
                continue
            seam, last = is_seam(last, packet), packet
            joined = joined or seam
            self._joined = self._joined or seam
            if origin and not joined:
                # After a key frame may come pictures that are shown before it and need what lies before it.
                key_pts = packet.pts if key_pts is None else key_pts
                if before(packet.pts, key_pts):
                    state.leading += is_shown(packet)
                    continue
            shown += is_shown(packet)
            watch.decoding(packet)
            state.afresh = seam and self._endless
            ended = not packet.size and (
                self._endless
                or packets.error is not None
                or self._ended_early(origin + state.leading + shown - self._hidden, watch.end)
            )
            if state.bad or state.hole or state.afresh or ended:
                # Of a stream that just ends, what is shown up to the time its last packet was decoded is all there.
                watch.suspect(since=last_dts if ended and packets.error is None else None)
            last_dts = packet.dts if packet.size else last_dts
            yield packet, state

    def _ended_early(self, number: int, end: Fraction) -> bool:
        if self._cut:
            return True
        if self._declared:
            return number < self._declared - self._hidden
        return self._ends is not None and end + self._slack < self._ends

    def _packets_from(self, container: Any, stream: Any, first: int, care: Care) -> tuple[int, Packets] | None:
        """Packets from a key frame at or before `first` on, and its position; 0 and all packets if there is none.

        None if the container could not be put there, so that it has to be opened anew.
        """
        if first > (0 if care.single_thread or self._keys.tabled else _NEAR):
            position = first + self._hidden
            self._learn_keys(position)
            stamps = self._keys.stamps_before(position)
            for stamp in stamps:
                container.seek(stamp, stream=stream)
                packets = Packets(container.demux(), stream, str(self.path))
                landed = next((p for p in packets if p.stream_index == stream.index and p.is_keyframe), None)
                origin = self._keys.position(landed) if landed is not None else None
                if origin is not None and origin <= position:
                    packets.put_back(landed)
                    return origin, packets
            if stamps:
                return None
        return 0, Packets(container.demux(), stream, str(self.path))

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
