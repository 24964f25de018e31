"""Run a prompt script through VideoSession and write what the network computed, for comparison with the official code.

    python benchmarks/reference.py CHECKPOINT FRAMES.npy STEPS.json OUT.npz [--expect OFFICIAL.npz]

FRAMES.npy is uint8 [T, S, S, 3], already square at the model's size so that no resizing takes part. STEPS.json maps
names of cases to lists of steps:

    {"click": [{"do": "points", "frame": 0, "obj": 1, "points": [[200, 260]], "labels": [1]}, {"do": "propagate"}]}

    points     frame, obj, points [[x, y], ...], labels; "keep_old_points": true adds them to earlier ones on that frame
    box        frame, obj, box [x0, y0, x1, y1]
    mask       frame, obj, and one of: disk [cy, cx, radius]; file (a .npy or image, not 0 is foreground)
    propagate  optional start, stop, reverse

OUT.npz holds CASE/runR/frameT/objO/FIELD, R counting the `propagate` steps of a case: `low_res_logits` [S/4, S/4],
`object_score_logit` [1], `obj_ptr` [C], `maskmem_mean_per_channel` [mem_dim]. Settings are those of the official SAM
2.1 video predictor without hole filling and with memory in float32. `--expect` prints the largest differences by case,
and fails (status 1) when one is too large or something is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import sam2s
from sam2s.evaluation.agreement import largest_difference
from sam2s.memory import MemoryPolicy
from sam2s.model import SAM2S
from sam2s.session import VideoSession
from sam2s.tracking import Box, Mask, Points, Prompt
from sam2s.video import ArraySource

OFFICIAL = MemoryPolicy(kind="sam2", max_conditioning=1_000_000, corrections="answer")
TOLERANCE = {"low_res_logits": 1e-3, "obj_ptr": 1e-3, "object_score_logit": 1e-4, "maskmem_mean_per_channel": 1e-3}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "frames", "steps", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--expect", type=Path, help="reference outputs to compare with")
    args = parser.parse_args()
    frames = np.load(args.frames)
    model = sam2s.load(args.checkpoint, image_size=frames.shape[1], device="cpu", precision="fp32")
    arrays: dict[str, np.ndarray] = {}
    for case, steps in json.loads(args.steps.read_text()).items():
        arrays |= run_case(model, frames, case, steps, args.steps.parent)
    np.savez_compressed(args.out, **arrays)  # type: ignore[arg-type]
    if args.expect:
        sys.exit(not report(arrays, dict(np.load(args.expect))))


def run_case(
    model: SAM2S, frames: np.ndarray, case: str, steps: list[dict[str, Any]], folder: Path = Path()
) -> dict[str, np.ndarray]:
    """Run one script; returns CASE/runR/frameT/objO/FIELD -> array."""
    arrays: dict[str, np.ndarray] = {}
    run = 0
    with VideoSession(model, ArraySource(frames), policy=OFFICIAL, num_frames=len(frames)) as session:
        for number, step in enumerate(steps):
            if step["do"] != "propagate":
                prompt = parse(step, frames.shape[1:3], folder)
                session.add_prompt(
                    frame=step["frame"], object_id=step["obj"], prompt=prompt, keep=step.get("keep_old_points", False)
                )
                continue
            span = {name: step[name] for name in ("start", "stop", "reverse") if name in step}
            # The official predictor begins at the earliest prompt in either direction.
            span.setdefault("start", min(s["frame"] for s in steps[:number] if "frame" in s))
            for result in session.propagate(**span):
                for object_id in result.objects:
                    key = f"{case}/run{run}/frame{result.index}/obj{object_id}/"
                    arrays |= {key + field: x for field, x in inside(session, object_id, result.index).items()}
            run += 1
    return arrays


def parse(step: dict[str, Any], size: tuple[int, int], folder: Path) -> Prompt:
    """The prompt of a step."""
    if step["do"] == "points":
        return Points(step["points"], step["labels"])
    if step["do"] == "box":
        return Box(*step["box"])
    if "disk" in step:
        cy, cx, radius = step["disk"]
        y, x = np.mgrid[: size[0], : size[1]]
        return Mask((y - cy) ** 2 + (x - cx) ** 2 < radius * radius)
    path = folder / step["file"]
    return Mask((np.load(path) if path.suffix == ".npy" else np.asarray(Image.open(path))) != 0)


def inside(session: VideoSession, object_id: int, time: int) -> dict[str, np.ndarray]:
    """What the network computed for an object on the frame just passed."""
    track = session.tracker.tracks[object_id]
    assert track.last is not None
    answer = track.last[1]
    entry = track.bank.conditioning.get(time) or track.bank.recent[time]
    fields = {
        "low_res_logits": answer.logits[0, 0],
        "object_score_logit": answer.object_logit[0],
        "obj_ptr": answer.pointer[0],
    }
    if entry.map is not None:
        fields["maskmem_mean_per_channel"] = entry.map.float().mean((1, 2))
    return {name: tensor.float().numpy() for name, tensor in fields.items()}


def report(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> bool:
    """Print the largest difference of each case and field; returns whether all are there and within tolerance."""
    missing = {key for key in theirs if key.split("/")[0] in {k.split("/")[0] for k in ours}} - ours.keys()
    worst: dict[tuple[str, str], float] = defaultdict(float)
    for key in ours.keys() & theirs.keys():
        case, field = key.split("/")[0], key.split("/")[-1]
        worst[case, field] = max(worst[case, field], largest_difference(ours[key], theirs[key]))
    large = {(case, field) for (case, field), error in worst.items() if error > TOLERANCE[field]}
    for (case, field), error in sorted(worst.items()):
        print(f"{case:24} {field:26} {error:.1e}  {'TOO LARGE' if (case, field) in large else 'ok'}")
    for key in sorted(missing):
        print(f"missing: {key}")
    return bool(worst) and not large and not missing


if __name__ == "__main__":
    main()
