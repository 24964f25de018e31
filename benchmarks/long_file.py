"""How soon a file of hours gives a mask: at its beginning, and near its end.

    python benchmarks/long_file.py [--hours 2]

A minute of generated film is written once and its packets repeated, so that the file is made in seconds. Printed are
the seconds to open it, to the first mask, and to the mask of a frame near the end that is prompted first of all;
`micro` is loaded before.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import av

import sam2s
from sam2s.bench.film import write_film
from sam2s.model import Network
from sam2s.video import VideoSource

MINUTE = 1500
"""Frames."""


def repeat(minute: Path, out: Path, times: int) -> None:
    """Write the packets of a file over and over, each time later."""
    with av.open(str(minute)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        span = sum(packet.duration for packet in packets)
        for turn in range(times):
            for packet in packets:
                again = av.Packet(bytes(packet))
                again.pts, again.dts = packet.pts + turn * span, packet.dts + turn * span
                again.duration, again.time_base = packet.duration, packet.time_base
                again.is_keyframe, again.stream = packet.is_keyframe, copy
                target.mux(again)


def first_mask(network: Network, video: VideoSource, frame: int) -> float:
    """Seconds from a prompt on a frame to its mask at source size."""
    began = time.perf_counter()
    with sam2s.VideoSession(network, video) as session:
        session.add_prompt(frame=frame, object_id=1, prompt=sam2s.Box(50, 50, 150, 150))
        _ = next(iter(session.propagate(frame))).objects[1].mask
    return time.perf_counter() - began


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0)
    args = parser.parse_args()
    network = sam2s.load("micro")
    with TemporaryDirectory(prefix="sam2s-") as folder:
        minute, film = Path(folder) / "minute.mp4", Path(folder) / "film.mp4"
        write_film(minute, MINUTE, 256, 256)
        repeat(minute, film, round(60 * args.hours))
        began = time.perf_counter()
        video = sam2s.open_source(str(film))
        opened = time.perf_counter() - began
        late = (video.length or MINUTE) - MINUTE // 2
        found = {"frames": video.length, "megabytes": round(film.stat().st_size / 1e6), "open": round(opened, 2)}
        found |= {"first mask": round(first_mask(network, video, 0), 2), "late": late}
        found |= {"late mask": round(first_mask(network, video, late), 2)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
