"""Writing video files: exact times, and never half a file under the final name."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from sam2s.errors import ConfigError, OutputError

_ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1"}
_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
# Two seconds between key frames at most: seeking is quick, and a killed run loses no more than that.
_GROUP_SECONDS = 2
_CLOCK = 90000
_BT709 = 1
_LIMITED_RANGE = 1


class VideoWriter:
    """Encodes frames into a file; to be used in a `with` block, or closed in `finally`.

    The file is written as PATH.part and gets its name when it is closed, also after an exception: what was written
    until then is a whole, playable video. A killed process leaves PATH.part, which plays too, up to its last seconds.

    The first frame is at time 0, unless `origin` says otherwise; the distances between frames are kept exactly as far
    as the time base can say them (Matroska and WebM count milliseconds). Odd sizes are padded to even ones by repeating
    the last row or column, because the usual pixel format (yuv420p) shares colour among 2x2 pixels.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: tuple[int, int],
        fps: Fraction | int,
        *,
        codec: str = "h264",
        crf: int = 20,
        time_base: Fraction | None = None,
        title: str | None = None,
        pixel_aspect: Fraction = Fraction(1),
        origin: Fraction | None = None,
    ) -> None:
        """Create the file.

        Args:
            path: where to write; the ending names the container: mp4, m4v, mov, mkv or webm.
            size: (height, width) of the frames to come.
            fps: frames a second; says when frames come that are written without a time of their own.
            codec: h264, hevc, vp9, av1, or the name of any FFmpeg encoder.
            crf: quality of the encoder, lower is better and larger; 20 is visually clean for H.264.
            time_base: unit of time stamps; by default one that fits `fps` and 1/90000, or the latter alone. Give the
                source's to copy times of variable frame rate exactly.
            title: noted in the file.
            pixel_aspect: width of a pixel by its height, for players to show frames as those of the source.
            origin: time that becomes 0; by default that of the first frame. Give 0 to keep times as they are; a killed
                process then leaves a PATH.part of MP4 or MOV that cannot be played.

        Raises:
            ConfigError: if the ending, size, rate or encoder cannot work.
            OutputError: if the file cannot be created.
        """
        self.path = Path(path)
        self.size = size
        self.fps = Fraction(fps)
        self.count = 0
        if self.path.suffix.lower() not in _FORMATS:
            raise ConfigError(f"{self.path}: unknown ending '{self.path.suffix}'; allowed are {', '.join(_FORMATS)}")
        if min(size) < 1 or self.fps <= 0:
            raise ConfigError(f"{self.path}: size {size[1]}x{size[0]} at {fps} frames a second cannot be written")
        self._part = self.path.with_name(self.path.name + ".part")
        ticks = math.lcm(_CLOCK, self.fps.numerator)  # FFmpeg keeps them in 32 bits
        self._time_base = time_base or Fraction(1, ticks if ticks < 1 << 31 else _CLOCK)
        self._first_pts: Fraction | None = origin
        self._last_tick = -1
        self._closed = False
        # Fragments, which keep a killed run's file playable, have no edit list that says when the first frame is due.
        self._container = self._open_container(fragments=origin is None)
        if title:
            self._container.metadata["title"] = title
        try:
            self._stream = self._add_stream(_ENCODERS.get(codec, codec), crf, pixel_aspect)
        except (ValueError, av.FFmpegError) as error:
            self._discard()
            allowed = ", ".join(_ENCODERS)
            raise ConfigError(
                f"{self.path}: codec '{codec}' cannot write it ({error}); try one of {allowed}"
            ) from error

    def _open_container(self, *, fragments: bool) -> av.container.OutputContainer:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return av.open(
                os.path.abspath(self._part),  # or FFmpeg takes what stands before a colon for a protocol
                "w",
                format=_FORMATS[self.path.suffix.lower()],
                options={"movflags": "+hybrid_fragmented", "flush_packets": "1"} if fragments else {},
            )
        except (OSError, av.FFmpegError) as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error})") from error

    def _add_stream(self, encoder: str, crf: int, pixel_aspect: Fraction) -> av.VideoStream:
        stream = self._container.add_stream(encoder, rate=self.fps, options={"crf": str(crf)})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = (n + n % 2 for n in self.size)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        stream.time_base = context.time_base = self._time_base
        context.gop_size = max(1, round(_GROUP_SECONDS * self.fps))
        context.max_b_frames = 0  # decode order is presentation order: no edit list, and every player seeks exactly
        context.colorspace, context.color_range = _BT709, _LIMITED_RANGE
        context.color_primaries = context.color_trc = _BT709
        context.sample_aspect_ratio = pixel_aspect
        context.open()
        return stream

    def write(self, image: np.ndarray, pts: Fraction | None = None) -> None:
        """Append a frame.

        Args:
            image: uint8 [H, W, 3], RGB, of the size given before.
            pts: presentation time in seconds, later than that of the frame before; None for count / fps. Give it for
                all frames or for none.

        Raises:
            OutputError: if the picture or time does not fit, or the disk is full.
        """
        if self._closed:
            raise OutputError(f"{self.path}: already closed")
        if image.shape != (*self.size, 3) or image.dtype != np.uint8:
            got = f"{image.dtype} {image.shape}"
            raise OutputError(f"{self.path}: frame {self.count} is {got}; the video takes uint8 {(*self.size, 3)}")
        time = self.count / self.fps if pts is None else Fraction(pts)
        self._first_pts = time if self._first_pts is None else self._first_pts
        tick = round((time - self._first_pts) / self._time_base)
        if tick <= self._last_tick:
            raise OutputError(
                f"{self.path}: frame {self.count} at {float(time):.6f} s does not follow the one before it"
            )
        height, width = self.size
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = tick, self._time_base
        try:
            self._container.mux(self._stream.encode(frame))
        except (OSError, av.FFmpegError) as error:
            raise OutputError(
                f"{self.path}: frame {self.count} cannot be written ({error.strerror or error})"
            ) from error
        self._last_tick = tick
        self.count += 1

    def close(self) -> None:
        """Finish the file and give it its name; idempotent. Without a single frame no file is left.

        Raises:
            OutputError: if the file cannot be finished.
        """
        if self._closed:
            return
        if self.count == 0:
            self._discard()
            return
        self._closed = True
        try:
            self._container.mux(self._stream.encode())
            self._container.close()
            os.replace(self._part, self.path)
        except (OSError, av.FFmpegError) as error:
            raise OutputError(
                f"{self.path}: cannot be finished ({error.strerror or error}); see {self._part}"
            ) from error

    def _discard(self) -> None:
        self._closed = True
        self._container.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
