"""J&F of weights on sequences with known masks, beside the two baselines that a tracker has to beat.

    python benchmarks/clips.py FOLDER ... --weights micro            # sequences as <set>/<sequence>/{frames,masks}
    python benchmarks/clips.py --synthetic 20 --frames 100           # held-out generated clips

Every object of the first frame is prompted there and tracked to the end; the first and the last frame do not count. The
baselines (copying the first mask; carrying it along by dense optical flow, which needs the extra `cv`) always get the
mask.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

import sam2s
from sam2s.evaluation.baselines import copy_first, warp_by_flow
from sam2s.evaluation.folders import find_sequences
from sam2s.evaluation.sequence import score_sequence
from sam2s.memory import MemoryPolicy
from sam2s.synth import Scene
from sam2s.tracking import Box, Mask, Points, Tracker

Clip = tuple[str, list[np.ndarray], list[np.ndarray]]
Method = Callable[[list[np.ndarray], list[np.ndarray]], Iterator[np.ndarray]]


def folder_clips(folder: Path) -> Iterator[Clip]:
    """Every sequence below a folder: name, frames and label maps."""
    for sequence in find_sequences(folder):
        rows = [(frame, labels) for _, frame, labels in sequence if labels is not None]
        yield sequence.name, [frame for frame, _ in rows], [labels for _, labels in rows]


def synthetic_clips(count: int, frames: int, size: int) -> Iterator[Clip]:
    """Scenes that no training sees (seeds below a million); objects that cover a hundredth of the first frame."""
    seed = 500_000
    while count:
        scene = Scene(seed, size, frames)
        seed += 1
        rows = [scene.render(t) for t in range(frames)]
        ids = [o.id for o in scene.objects if (rows[0][1] == o.id).sum() >= 0.01 * size * size]
        if ids:
            count -= 1
            yield f"{scene.seed}", [image for image, _ in rows], [np.where(np.isin(m, ids), m, 0) for _, m in rows]


def tracked(model: sam2s.model.SAM2S, prompt: str, policy: MemoryPolicy) -> Method:
    """Our tracker as a method: label maps frame by frame from the prompt on the first one."""

    def run(frames: list[np.ndarray], truth: list[np.ndarray]) -> Iterator[np.ndarray]:
        tracker = Tracker(model, policy)
        for object_id in np.unique(truth[0][truth[0] > 0]):
            tracker.add_prompt(int(object_id), make_prompt(prompt, truth[0] == object_id))
        for frame in frames:
            labels, best = np.zeros(frame.shape[:2], np.uint8), np.zeros(frame.shape[:2], np.float32)
            for object_id, item in tracker.step(frame).objects.items():
                logits = torch.nn.functional.interpolate(
                    item.low_res_logits[None, None], labels.shape, mode="bilinear", align_corners=False
                )[0, 0].numpy()
                labels[logits > best] = object_id
                best = np.maximum(best, logits)
            yield labels

    return run


def make_prompt(kind: str, mask: np.ndarray) -> Mask | Box | Points:
    """The tight box, the deepest point or the mask itself."""
    if kind == "mask":
        return Mask(mask)
    if kind == "box":
        y, x = np.nonzero(mask)
        return Box(x.min(), y.min(), x.max() + 1, y.max() + 1)
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    row, col = np.unravel_index(depth.argmax(), depth.shape)
    return Points([(float(col), float(row))])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--synthetic", type=int, default=0, help="number of generated clips")
    parser.add_argument("--frames", type=int, default=100, help="length of the generated clips")
    parser.add_argument("--weights", default="micro")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--prompts", nargs="+", default=["mask", "box", "click"], choices=["mask", "box", "click"])
    parser.add_argument("--memory", nargs="+", default=["divemem"], choices=["divemem", "sam2"])
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the table here")
    args = parser.parse_args()

    model = sam2s.load(args.weights, image_size=args.image_size)
    methods: dict[str, Method] = {}
    if not args.no_baselines:
        methods["copy first mask"] = lambda frames, truth: copy_first(frames, truth[0])
        methods["optical flow"] = lambda frames, truth: warp_by_flow(frames, truth[0])
    for memory in args.memory:
        for prompt in args.prompts:
            methods[f"{args.weights} {prompt} {memory}"] = tracked(model, prompt, MemoryPolicy(kind=memory))
    sets = {folder.name: lambda folder=folder: folder_clips(folder) for folder in args.folders}
    if args.synthetic:
        sets["generated"] = lambda: synthetic_clips(args.synthetic, args.frames, 256)

    table: dict[str, dict[str, float]] = {}
    for name, clips in sets.items():
        scores: dict[str, list[float]] = {method: [] for method in methods}
        for clip, frames, truth in clips():
            for method, run in methods.items():
                objects = score_sequence(run(frames, truth), truth, video=clip)
                values = [100 * item.mean_jf for item in objects if (truth[0] == item.object_id).any()]
                scores[method] += values
                print(f"{name}/{clip} {method}: {np.mean(values):.1f}", flush=True)
        table[name] = {method: round(float(np.mean(values)), 1) for method, values in scores.items()}
    width = max(map(len, methods)) + 2
    print("\n" + " " * width + "".join(f"{name:>16}" for name in table))
    for method in methods:
        print(f"{method:<{width}}" + "".join(f"{table[name][method]:16.1f}" for name in table))
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
