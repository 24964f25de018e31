"""Our `sam2s score` beside the official SA-V evaluator, on the same files in one run: same scores? how fast?

    python benchmarks/score.py sav_dataset/sav_evaluator.py [--pred DIR --gt DIR] [--layout sav] [--processes 2]

The script is that of the SAM 2 repository with its folder around it; it needs opencv, scikit-image and tqdm. Without
folders, masks of moving blobs at 854x480 are drawn. Both run as fresh processes, taking turns, so that starting up and
importing count for both; the fastest of the rounds is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

OFFICIAL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from utils.sav_benchmark import benchmark
objects = benchmark([sys.argv[2]], [sys.argv[3]], True, int(sys.argv[4]), verbose=False)[3][0]
print(json.dumps([[video, int(key), j[key], f[key]] for video, (j, f) in objects.items() for key in j]))
"""
OURS = "from sam2s.cli import main; main()"


def draw(folder: Path, layout: str, videos: int = 6, frames: int = 40, objects: int = 4) -> tuple[Path, Path]:
    """Write a truth of moving, bending blobs and a prediction that wanders off it; returns (pred, gt)."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[-70:70, -70:70]
    angle, distance = np.arctan2(y, x), np.hypot(y, x)
    for video in range(videos):
        start, speed = generator.uniform((90, 150), (390, 700), (objects, 2)), generator.uniform(-2, 2, (objects, 2))
        for frame in range(frames):
            blob = distance < 55 + 8 * np.sin(5 * angle + frame / 5) + 3 * np.sin(31 * angle)
            for side, drift in (("gt", 0), ("pred", frame // 6)):
                labels = np.zeros((480, 854), np.uint8)
                for number in range(objects):
                    top, left = (start[number] + speed[number] * frame).astype(int) - 70 + drift
                    top, left = np.clip((top, left), 0, (480 - 140, 854 - 140))
                    labels[top : top + 140, left : left + 140][blob] = number + 1
                save(labels, folder / side / f"video{video}", f"{frame:05}.png", layout, objects)
    return folder / "pred", folder / "gt"


def save(labels: np.ndarray, video: Path, name: str, layout: str, objects: int) -> None:
    """Write one frame as a label image, or as one binary image an object."""
    files = {video / name: labels}
    if layout == "sav":
        files = {video / f"{number:03}" / name: (labels == number + 1).astype(np.uint8) for number in range(objects)}
    for path, pixels in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def timed(command: list[str]) -> tuple[float, str]:
    """Run a command; returns its wall time in seconds and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])} failed:\n{done.stderr}")
    return time.perf_counter() - start, done.stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("official", type=Path, help="path of sav_evaluator.py")
    parser.add_argument("--pred", type=Path)
    parser.add_argument("--gt", type=Path)
    parser.add_argument("--layout", choices=("davis", "sav"), default="davis", help="of the masks that are drawn")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        pred, gt = (args.pred, args.gt) if args.pred and args.gt else draw(work, args.layout)
        links = work / "links"  # the official script writes a file beside the videos of the prediction
        links.mkdir()
        for video in pred.resolve().iterdir():
            if video.is_dir():
                (links / video.name).symlink_to(video)
        processes = str(args.processes)
        official = [sys.executable, "-c", OFFICIAL, str(args.official.parent), str(gt), str(links), processes]
        ours = [
            sys.executable,
            "-c",
            OURS,
            "score",
            str(pred),
            str(gt),
            "--span",
            "video",
            "--json",
            "--workers",
            processes,
        ]
        rounds = [(timed(official), timed(ours)) for _ in range(args.rounds)]
    theirs = {(video, number): (j, f) for video, number, j, f in json.loads(rounds[0][0][1].splitlines()[-1])}
    mine = {
        (entry["video"], entry["object"]): (entry["j"], entry["f"]) for entry in json.loads(rounds[0][1][1])["objects"]
    }
    if theirs.keys() != mine.keys():
        sys.exit(f"different objects were scored: {sorted(theirs.keys() ^ mine.keys())}")
    worst = max(abs(np.subtract(theirs[key], mine[key])).max() for key in theirs)
    times = [min(round_[side][0] for round_ in rounds) for side in (0, 1)]
    print(f"objects {len(theirs)}, largest difference in J or F {worst:.1e} percent points")
    print(
        f"official {times[0]:.2f} s, ours {times[1]:.2f} s: {times[0] / times[1]:.1f}x as fast ({processes} processes)"
    )
    sys.exit(0 if worst < 1e-6 else 1)


if __name__ == "__main__":
    main()
