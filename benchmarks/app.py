"""How fast the app feels: measured in a real browser, on a generated video of three hours with masks of many objects.

    python benchmarks/app.py --hours 3 --objects 10 --out bench-app
    python benchmarks/app.py --out bench-app --parts frames,timeline

Prints a table and writes it as JSON. Nothing is asserted: the machine and its load are printed beside the figures, and
where a machine has other work, the processor time of the server and its tracking process says more than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from app_browser import Page, chromium, running
from sam2s.app.timeline_blocks import BLOCK, TimelineBlocks
from sam2s.masks import rle
from sam2s.tracking import ObjectState
from sam2s.video import open_source
from sam2s.workspace import FILE, FrameRecord, ObjectInfo, ObjectRecord, VideoIdentity, Workspace
from sam2s.workspace.mask_table import Version

FPS = 25
LOOP = 10 * FPS
"""Frames that are encoded; their packets are repeated."""


def make_video(path: Path, minutes: int, size: tuple[int, int]) -> None:
    """Encode ten seconds and put their packets one behind another; a key frame every 2 seconds."""
    height, width = size
    short = path.with_name("loop.mp4")
    y, x = np.mgrid[:height, :width]
    with av.open(str(short), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "26", "g": str(2 * FPS)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        ground = (120 + 80 * np.sin(x / 90) * np.cos(y / 70)).astype(np.uint8)
        for index in range(LOOP):
            picture = np.repeat(ground[:, :, None], 3, axis=2)
            left = (index * 4) % (width - 100)
            picture[height // 3 : 2 * height // 3, left : left + 100] = 230
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    with av.open(str(short)) as source:
        packets = [packet for packet in source.demux(video=0) if packet.pts is not None]
        template = source.streams.video[0]
        step = int(LOOP / FPS / template.time_base)
        with av.open(str(path), "w") as out:
            stream = out.add_stream_from_template(template)
            base = [(packet.pts, packet.dts) for packet in packets]
            for turn in range(minutes * 60 * FPS // LOOP):
                for packet, (pts, dts) in zip(packets, base, strict=True):
                    packet.pts, packet.dts = pts + turn * step, dts + turn * step
                    packet.stream = stream
                    out.mux(packet)
    short.unlink()


def fill_workspace(folder: Path, video: Path, objects: int) -> int:
    """Masks of every object on every frame, absent now and then, unsure here and there; returns the frames.

    Rows go straight into the tables, with their checksums: millions of them by `write_frame` would take an hour.
    """
    source = open_source(video)
    length = source.length or 0
    mask = np.zeros(source.size, bool)
    mask[source.size[0] // 3 : 2 * source.size[0] // 3, 100:300] = True
    with Workspace.create(folder, VideoIdentity.of(source)) as workspace:
        for number in range(1, objects + 1):
            workspace.put_object(ObjectInfo(number, f"instrument {number}"))
        event = workspace.record("propagate").event_id
        for frame, shape in ((0, mask), (1, np.zeros_like(mask))):
            entry = ObjectRecord(1, rle.encode(shape), 0.9, 0.9, ObjectState.VISIBLE)
            workspace.write_frame(FrameRecord(frame, Fraction(frame, FPS), {1: entry}), event)
    columns = (*Version._fields, "shown", "crc")
    statement = f"INSERT OR REPLACE INTO versions ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    with sqlite3.connect(folder / FILE) as connection:
        masks = connection.execute("SELECT mask_id, crc FROM masks ORDER BY mask_id").fetchall()
        times = ((frame, f"{frame}/{FPS}") for frame in range(length))
        connection.executemany("INSERT OR REPLACE INTO frames VALUES (?, ?)", times)
        for number in range(1, objects + 1):
            connection.executemany(statement, _rows(number, length, event, masks, int(mask.sum())))
            connection.execute(
                "INSERT OR REPLACE INTO extents VALUES (?, ?, 0, ?, ?)", (event, number, length - 1, length)
            )
    connection.close()
    return length


def _rows(
    number: int, length: int, event: int, masks: list[tuple[int, int]], area: int
) -> Iterator[tuple[int | None, ...]]:
    for frame in range(length):
        present = (frame // (700 + 90 * number)) % 3 != 2
        iou = 55_000 if (frame // 97 + number) % 23 == 0 else 92_000
        mask_id, mask_crc = masks[0 if present else 1]
        state, presence = (0, 97_000) if present else (2, 3_000)
        version = Version(
            number,
            frame,
            event,
            0,
            0,
            mask_id,
            area if present else 0,
            state,
            iou,
            presence,
            0,
            frame or None,
            None,
            None,
        )
        yield (*version, 1, version.crc(mask_crc))


def spread(values: list[float]) -> dict[str, float]:
    """Median and 95th percentile, in milliseconds."""
    values = sorted(values)
    return {"median": round(statistics.median(values), 1), "p95": round(values[int(0.95 * (len(values) - 1))], 1)}


def processor_seconds(pid: int) -> float:
    """Processor time so far of a process and its children, in seconds; 0 where the system does not tell (no /proc)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(int(child)) for child in children)


class Spent:
    """Wall and processor time of what is done in a `with` block."""

    def __init__(self, pid: int) -> None:
        self.pid, self.wall, self.processor = pid, 0.0, 0.0

    def __enter__(self) -> Spent:
        self._began = time.perf_counter(), processor_seconds(self.pid)
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._began[0]
        self.processor = processor_seconds(self.pid) - self._began[1]

    def milliseconds(self, times: int = 1) -> dict[str, int]:
        """Of one of so many times."""
        return {"wall": round(1000 * self.wall / times), "processor": round(1000 * self.processor / times)}


SHOW = """async (frame) => { const desk = window.sam2s.desk, began = performance.now();
    await desk.go(frame); return performance.now() - began; }"""
SCROLL = """async (seconds) => { const line = window.sam2s.timeline; const times = []; let last = performance.now();
    const end = last + 1000 * seconds; let spent = 0;
    line.perPixel = 40; line.bound();
    while (performance.now() < end) {
      line.start = (line.start + 25 * line.perPixel) % (line.desk.video.length * 0.9);
      const began = performance.now(); line.draw(); spent += performance.now() - began;
      await new Promise(requestAnimationFrame);
      const now = performance.now(); times.push(now - last); last = now;
    }
    return { times, spent }; }"""


Results = dict[str, object]


PARTS = ("frames", "timeline", "clicks", "propagation")


def measure(page: Page, video: Path, length: int, rng: np.random.Generator, parts: list[str]) -> Results:
    """All figures of one session, or those of some parts."""
    card = next(c for c in page.page.request.get(f"{page.server.address}/api/videos").json() if c["name"] == video.name)
    address = f"{page.server.address}/api/videos/{card['id']}"
    measures = {
        "frames": lambda: measure_frames(page, length, rng),
        "timeline": lambda: measure_timeline(page, address),
        "clicks": lambda: measure_clicks(page, address),
        "propagation": lambda: measure_propagation(page),
    }
    results = measure_opening(page, f"/work/{card['id']}")
    for part in parts:
        results |= measures[part]()
    return results


def measure_opening(page: Page, place: str) -> Results:
    """Until the first picture of the video is there."""
    with Spent(page.server.process.pid) as spent:
        page.open(place)
        page.wait("desk.picture !== null")
    return {"open the video, first picture shown (ms)": spent.milliseconds()}


def measure_frames(page: Page, length: int, rng: np.random.Generator) -> Results:
    """Going to frames."""
    results: Results = {}
    pid = page.server.process.pid
    frames = [int(frame) for frame in rng.integers(0, length, 40)]
    with Spent(pid) as spent:
        results["a new frame anywhere (ms)"] = spread([page.page.evaluate(SHOW, frame) for frame in frames])
    results["a new frame anywhere, one with its neighbours (ms)"] = spent.milliseconds(len(frames))
    results["a frame visited before (ms)"] = spread([page.page.evaluate(SHOW, frame) for frame in frames[-20:]])
    results["the next frame (ms)"] = spread([page.page.evaluate(SHOW, 5000 + step) for step in range(40)])
    return results


def measure_timeline(page: Page, address: str) -> Results:
    """Scrolling in the browser, and the server's answers for stretches of it."""
    scroll = page.page.evaluate(SCROLL, 5)
    tiles = []
    for level in (0, 3, 6, 9):
        for turn in ("first", "again"):
            with Spent(page.server.process.pid) as spent:
                page.page.request.get(f"{address}/timeline?buckets=512&start=0&stop={512 << level}")
            tiles.append({"frames": 512 << level, "turn": turn, **spent.milliseconds()})
    return {
        "timeline: frames a second while scrolling": round(1000 / statistics.median(scroll["times"]), 1),
        "timeline: drawing (ms a frame)": round(scroll["spent"] / len(scroll["times"]), 2),
        "timeline: the server's answer (ms)": tiles,
    }


def measure_counting(folder: Path, length: int) -> Results:
    """Counting all masks for the timeline, as the server does when a video is opened for the first time."""
    with Workspace.open(folder) as reader, Spent(os.getpid()) as spent:
        objects, stop = [info.object_id for info in reader.objects()], length - length % BLOCK
        blocks, columns = TimelineBlocks(), stop // BLOCK
        blocks.count(reader, objects, 0, stop, columns)
        for object_id in objects:
            blocks.timeline(reader, object_id, 0, stop, columns)
    return {"timeline: counted for the first time (ms)": spent.milliseconds()}


def measure_clicks(page: Page, address: str) -> Results:
    """Clicks on frames that somebody has looked at for a moment."""
    clicks, encoder, processor = [], [], []
    for frame in range(100, 108):
        page.go(frame)
        page.page.wait_for_timeout(1500)
        body = {"frame": frame, "object_id": 1, "points": [{"x": 200, "y": 300}]}
        headers = {"X-Tab": page.page.evaluate("sessionStorage.getItem('sam2s-tab')")}
        with Spent(page.server.process.pid) as spent:
            answer = page.page.request.post(f"{address}/prompts", data=body, headers=headers).json()
        clicks.append(1000 * spent.wall)
        processor.append(1000 * spent.processor)
        encoder.append(1000 * answer["encoder_seconds"])
    return {
        "click to mask (ms)": spread(clicks),
        "of it the encoder (ms)": spread(encoder),
        "click to mask, processor time (ms)": spread(processor),
    }


def measure_propagation(page: Page) -> Results:
    """Frames a second of a propagation alone, and while another place of the video is played."""
    page.page.evaluate(
        "window.sam2s.carrier.begin({ until: 'frames', frames: 2000, direction: 'forward', objects: [2] })"
    )
    page.wait("desk.runs.some((run) => run.state === 'running' && run.done > 2)", 120)

    def rate(seconds: float) -> float:
        before, start = page.state("desk.runs[desk.runs.length - 1].done"), time.perf_counter()
        page.page.wait_for_timeout(1000 * seconds)
        done = page.state("desk.runs[desk.runs.length - 1].done") - before
        return round(done / (time.perf_counter() - start), 2)

    page.page.evaluate("window.sam2s.desk.followed = false")
    alone = rate(15)
    page.go(20000)
    page.page.evaluate("window.sam2s.playback.play()")
    rates = [alone, rate(15)]
    page.page.evaluate("window.sam2s.carrier.stop()")
    return {"propagation, frames a second: alone, and while another place is played": rates}


def main() -> None:
    """Make what is missing, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=3)
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--parts", default=",".join(PARTS), help="what to measure, of %(default)s")
    parser.add_argument("--out", type=Path, default=Path("bench-app"))
    arguments = parser.parse_args()
    chosen = arguments.parts.split(",")
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"--parts {', '.join(sorted(unknown))}: choose of {', '.join(PARTS)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    video = arguments.out / "long.mp4"
    width, height = map(int, arguments.size.split("x"))
    if not video.exists():
        make_video(video, round(60 * arguments.hours), (height, width))
    folder = arguments.out / "long.mp4.sam2s"
    if not Workspace.exists(folder):
        fill_workspace(folder, video, arguments.objects)
    length = open_source(video).length or 0
    counting = measure_counting(folder, length) if "timeline" in chosen else {}
    with running(arguments.out) as server, chromium() as browser:
        page = Page(browser, server)
        results = counting | measure(page, video, length, np.random.default_rng(0), chosen)
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    about = {
        "video": f"{length} frames of {arguments.size}",
        "objects": arguments.objects,
        "machine": platform.machine(),
    }
    about["load"] = load
    print(json.dumps({**about, **results}, indent=1))
    (arguments.out / "app.json").write_text(json.dumps({**about, **results}, indent=1))


if __name__ == "__main__":
    main()
