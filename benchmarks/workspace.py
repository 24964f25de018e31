"""The workspace beside the text log that came before it: time and size of the same run, in turns.

    python benchmarks/workspace.py --before TREE [--length 300] [--rounds 5] [--weights micro]

TREE is a checkout of a commit with the text log (`git worktree add TREE 74fb93f`); both run in this environment. The
object of a drawn clip is tracked with `sam2s track --export csv`; times are those that the command reports, decoding
and writing included, exports not. A second table writes masks alone, as fast as they come, without a network.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sam2s.masks import rle
from sam2s.tracking.results import ObjectState
from sam2s.workspace import FrameRecord, ObjectRecord, VideoIdentity, Workspace


def main() -> None:
    """Read the arguments, run in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--length", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--weights", default="micro")
    args = parser.parse_args()
    trees = {"text log": args.before, "workspace": Path(__file__).parents[1]}
    with TemporaryDirectory(prefix="sam2s-") as name:
        folder = Path(name)
        sam2s(trees["workspace"], "synth", folder / "clip", "--length", args.length)
        seconds: dict[str, list[float]] = {side: [] for side in trees}
        sizes: dict[str, int] = {}
        for number in range(args.rounds):
            for side, tree in trees.items():
                out = folder / f"{side.replace(' ', '-')}-{number}"
                command = ["track", folder / "clip/video.mp4", "--prompts", folder / "clip/prompts.json", "--out", out]
                told = json.loads(sam2s(tree, *command, "--weights", args.weights, "--export", "csv", "--json"))
                seconds[side].append(told["seconds"])
                files = [*out.glob("masks.jsonl"), *out.glob("workspace.sqlite*")]
                sizes[side] = sum(file.stat().st_size for file in files)
    for side, values in seconds.items():
        middle, least, most = statistics.median(values), min(values), max(values)
        print(f"{side:10} {middle:7.2f} s ({least:.2f} to {most:.2f}), {sizes[side]} bytes")
    ratio = statistics.median(b / a for a, b in zip(*seconds.values(), strict=True))
    print(f"time {ratio:.3f}, size {sizes['workspace'] / sizes['text log']:.3f} of the text log")
    print(json.dumps(write_alone(), indent=2))


def sam2s(tree: Path, *arguments: object) -> str:
    """Run the command line of a tree in this environment."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    command = [sys.executable, "-m", "sam2s", *map(str, arguments)]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def write_alone(frames: int = 5000) -> dict[str, float]:
    """Milliseconds to write a frame of one object of 512 x 512, each in a transaction, and bytes for it."""
    rows, columns = np.mgrid[:512, :512]
    masks = [rle.encode((columns - 200 - k) ** 2 + (rows - 250) ** 2 < (90 + k % 7) ** 2) for k in range(50)]
    with TemporaryDirectory(prefix="sam2s-") as folder:
        with Workspace.create(folder, VideoIdentity("clip", "f", (512, 512))) as workspace:
            event = workspace.record("propagate").event_id
            began = time.perf_counter()
            for index in range(frames):
                entry = ObjectRecord(1, masks[index % 50], 0.91234, 0.98765, ObjectState.VISIBLE)
                workspace.write_frame(FrameRecord(index, None, {1: entry}), event)
            spent = time.perf_counter() - began
        size = (Path(folder) / "workspace.sqlite").stat().st_size
    lines = sum(len(str(masks[index % 50]["counts"])) for index in range(frames))
    return {
        "ms_a_frame": round(1000 * spent / frames, 3),
        "bytes_a_frame": round(size / frames),
        "of_which_runs": lines // frames,
    }


if __name__ == "__main__":
    main()
