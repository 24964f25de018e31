"""How far the figures of `sam2s analyze` on tracked masks are from those on the true masks of drawn scenes.

    python benchmarks/analysis_errors.py --seeds 4 7 --out runs/analysis-errors

Draws each scene, imports its true masks into one workspace, tracks it with the bundled weights from a box on the first
frame of each object into another, and prints the median and the largest error by figure over all instruments.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import numpy as np

from sam2s.analysis import AnalysisSettings, analyze
from sam2s.analysis.compare import FIGURES
from sam2s.formats.imports import import_masks
from sam2s.formats.prompts_file import read_prompts
from sam2s.runs import RunSettings, run
from sam2s.synth import Scene
from sam2s.synth.export import write_clip
from sam2s.video import open_source
from sam2s.workspace import VideoIdentity, Workspace


def true_and_tracked(seed: int, length: int, out: Path) -> tuple[Path, Path]:
    """Draw a scene and make a workspace of its true masks and one of tracked ones; what is there stays."""
    clip, true, tracked = (out / f"{seed}-{name}" for name in ("clip", "true", "tracked"))
    if not clip.exists():
        write_clip(Scene(seed, 256, length, kind="laparoscopy", tempo=0.6), clip)
    if not Workspace.exists(true):
        with closing(open_source(clip / "video.mp4")) as source:
            identity = VideoIdentity.of(source)
        with Workspace.create(true, identity) as workspace:
            import_masks(workspace, clip / "masks", form="davis")
    run(RunSettings(str(clip / "video.mp4"), tracked, prompts=read_prompts(clip / "prompts.json"), threads=1))
    return true, tracked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[4, 7])
    parser.add_argument("--length", type=int, default=160)
    parser.add_argument("--out", type=Path, default=Path("runs/analysis-errors"))
    args = parser.parse_args()
    errors = defaultdict[str, list[float]](list)
    for seed in args.seeds:
        folders = true_and_tracked(seed, args.length, args.out)
        scene = json.loads((args.out / f"{seed}-clip" / "scene.json").read_text())
        tools = {item["id"] for item in scene["objects"] if item["type"] == "instrument"}
        true, tracked = analyze(folders, args.out / "report", AnalysisSettings(camera=False, pictures=False))
        found = {item.object_id: item for item in tracked.objects}
        for item in true.objects:
            if item.object_id not in tools or item.object_id not in found:
                continue
            for name, read in FIGURES.items():
                right, measured = read(item), read(found[item.object_id])
                if not (math.isnan(right) or math.isnan(measured)):
                    errors[name].append(abs(measured - right) / max(abs(right), 1e-9) if right else abs(measured))
    print(f"{'figure':<20} {'objects':>7} {'median':>7} {'largest':>8}   error as a share of the true value")
    for name, values in errors.items():
        print(f"{name:<20} {len(values):>7} {np.median(values):>7.2f} {max(values):>8.2f}")


if __name__ == "__main__":
    main()
