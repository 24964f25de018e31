"""Generated videos for tests: every frame carries its own number in its pixels."""

import io
import socket
import threading
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

BITS = 12


def numbered(index: int, size: tuple[int, int] = (64, 96)) -> np.ndarray:
    """A picture [H, W, 3] whose vertical bars are the bits of a number, on a ground that moves."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    image = np.repeat((20 + (3 * x + 5 * y + 7 * index) % 40)[:, :, None], 3, axis=2).astype(np.uint8)
    bar = width // BITS
    for bit in range(BITS):
        if index >> bit & 1:
            image[8 : height - 8, bit * bar : (bit + 1) * bar] = 220
    return image


def number_of(image: np.ndarray) -> int:
    """The number that `numbered` drew."""
    height, width = image.shape[:2]
    bar = width // BITS
    row = image[height // 2].mean(axis=1)
    return sum(1 << bit for bit in range(BITS) if row[bit * bar + bar // 2] > 128)


def write_clip(
    target: Any,
    count: int = 60,
    *,
    size: tuple[int, int] = (64, 96),
    fps: Fraction | int = 25,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    group: int = 10,
    b_frames: int = 2,
    times: Sequence[int] | None = None,
    rotation: int | None = None,
    flip: bool = False,
    options: dict[str, str] | None = None,
    container: str | None = None,
    muxing: dict[str, str] | None = None,
    first: int = 0,
) -> None:
    """Write frames numbered from `first`; `times` are in milliseconds."""
    with av.open(
        str(target) if isinstance(target, Path) else target, "w", format=container, options=muxing or {}
    ) as out:
        quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        stream = out.add_stream(codec, rate=fps, options={**quiet, **(options or {})})
        stream.height, stream.width = size
        stream.pix_fmt = pixels
        stream.codec_context.gop_size = group
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        if codec in ("libx264", "libx265", "mpeg4"):
            stream.codec_context.max_b_frames = b_frames
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=flip)
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(first + i, size), "rgb24")
            frame.pts, frame.time_base = (times[i], Fraction(1, 1000)) if times else (i, 1 / Fraction(fps))
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


IRREGULAR = [40 * i + 13 * (i % 3) + 400 * (i > 30) for i in range(60)]

CLIPS: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "front.mp4": {"muxing": {"movflags": "faststart"}},
    "fragmented.mp4": {"muxing": {"movflags": "frag_keyframe+empty_moov"}},
    "plain.mov": {},
    "plain.mkv": {},
    "plain.flv": {},
    "plain.ts": {},
    "program.mpg": {"codec": "mpeg2video", "container": "mpeg"},
    "plain.webm": {"codec": "libvpx-vp9"},
    "hidden.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "5"}},
    "plain.avi": {"codec": "mpeg4", "b_frames": 0},
    "reordered.avi": {},
    "motion.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "raw.h264": {},
    "open.mp4": {"options": {"x264-params": "open-gop=1"}},
    "open.mkv": {"options": {"x264-params": "open-gop=1"}},
    "open.ts": {"options": {"x264-params": "open-gop=1"}},
    "hevc.mkv": {"codec": "libx265"},
    "hevc.mp4": {"codec": "libx265"},
    "tenbit.mp4": {"pixels": "yuv420p10le"},
    "tenbit.mkv": {"codec": "libx265", "pixels": "yuv420p10le"},
    "odd.mkv": {"codec": "ffv1", "size": (63, 97)},
    "odd.mp4": {"pixels": "yuv444p", "size": (63, 97)},
    "irregular.mkv": {"times": IRREGULAR},
    "irregular.mp4": {"times": IRREGULAR, "fps": 1000},
    "ntsc.mp4": {"fps": Fraction(30000, 1001)},
    "long.mkv": {"count": 600, "group": 60},
    "long.mp4": {"count": 600, "group": 60},
}


def stream_of(first, count):
    """Bytes of an endless-looking transport stream with frames numbered from `first`."""
    data = io.BytesIO()
    write_clip(data, count, container="mpegts", b_frames=0, first=first, options={"tune": "zerolatency"})
    return data.getvalue()


class Server:
    """An HTTP server on the loopback that gives one stretch of video to each connection, then hangs up.

    With `stall` it keeps the line open and says nothing more; an empty stretch is not even answered.
    """

    def __init__(self, *stretches, pause=0.0, stall=False):
        self.stretches, self.pause, self.sent = list(stretches), pause, 0
        self.stall, self.leave = stall, threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/live.ts"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for stretch in self.stretches:
            connection, _ = self.socket.accept()
            with connection:
                connection.recv(4096)
                try:
                    if not stretch:
                        self.leave.wait(60)
                        continue
                    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
                    for i in range(0, len(stretch), 1880):
                        connection.sendall(stretch[i : i + 1880])
                        self.sent = i
                        time.sleep(self.pause)
                    if self.stall:
                        self.leave.wait(60)
                except OSError:
                    continue
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave.set()
        self.thread.join(5)
        self.socket.close()
