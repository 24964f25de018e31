"""What an archive needs: measures one worker on a drawn clip, then prints machines, days, disk, and what failures cost.

python benchmarks/capacity.py [--weights micro] [--frames 300] [--size 512] [--hours 10,1000,100000]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sam2s.archive.capacity import MeasuredCosts, capacity
from sam2s.archive.simulation import ClusterModel, simulate
from sam2s.formats.prompts_file import read_prompts
from sam2s.runs import RunSettings, run
from sam2s.synth import Scene
from sam2s.synth.export import write_clip


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="micro")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--hours", default="10,1000,100000")
    parser.add_argument("--fps", type=float, default=25.0)
    arguments = parser.parse_args()
    costs = measure(arguments.weights, arguments.device, arguments.frames, arguments.size)
    milliseconds, size = 1000 * costs.frame_seconds, costs.frame_bytes
    print(f"{milliseconds:.1f} ms and {size:.0f} bytes a frame, {costs.start_seconds:.1f} s to start")
    print("\n| nodes failing every | lost work | time over the ideal | attempts for 3,000 videos |\n|---|--:|--:|--:|")
    overhead = 1.0
    for hours in (1e9, 1000.0, 100.0, 24.0):
        cluster = ClusterModel(nodes=40, workers=4, failures=hours, startup=costs.start_seconds)
        result = simulate([3600 * arguments.fps * costs.frame_seconds] * 3000, cluster)
        overhead = result.hours / result.ideal
        name = "never" if hours > 1e8 else f"{hours:.0f} h"
        print(f"| {name} | {100 * result.lost:.2f} % | {overhead:.2f} x | {result.attempts:,} |")
    print("\n| hours of video | days of one such machine | machines for a week | disk |\n|--:|--:|--:|--:|")
    for hours in map(float, arguments.hours.split(",")):
        row = capacity(costs, hours, fps=arguments.fps, overhead=overhead)
        print(f"| {hours:,.0f} | {row.machine_days:,.1f} | {row.machines:,} | {row.disk_gigabytes:,.1f} GB |")


def measure(weights: str, device: str, frames: int, size: int) -> MeasuredCosts:
    """Track a drawn clip as `sam2s track` does; the start is what a run of its first frame takes."""
    with TemporaryDirectory() as folder:
        clip = Path(folder) / "clip"
        write_clip(Scene(7, size, frames), clip)
        prompts = read_prompts(clip / "prompts.json")
        first = [entry for entry in prompts if entry.frame == 0] or prompts[:1]
        common = {"input": str(clip / "video.mp4"), "weights": weights, "device": device, "prompts": first}
        began = time.perf_counter()
        run(RunSettings(out=Path(folder) / "one", stop=first[0].frame + 1, **common))
        start = time.perf_counter() - began
        out = Path(folder) / "all"
        outcome = run(RunSettings(out=out, **common))
        size_on_disk = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
        return MeasuredCosts(outcome.seconds / outcome.frames, size_on_disk / outcome.frames, start, 1)


if __name__ == "__main__":
    main()
