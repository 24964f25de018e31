"""Tracking through events of the video: what becomes of the masks behind one, with and without judging its frames.

    python benchmarks/track_events.py [--seeds 2000 2001] [--kinds out_of_body black blood smoke lens_wash]

Each clip has 110 drawn frames of 256x256 with one event in frames 45 to 74. Trackers of the bundled weights share the
first 40 frames and go on three ways: every frame judged, those of `UNJUDGED` events not, those of no event at all.
J is the mean over objects and frames 79 to 109 on which the object is seen.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

import sam2s
from sam2s.model import Network
from sam2s.quality import UNJUDGED, EventKind, FrameJudge
from sam2s.synth.video_events import DrawnEvent, EventScene
from sam2s.tracking import Mask, ObjectState, Tracker
from sam2s.video import Frame

FORK, START, STOP, LENGTH = 40, 45, 75, 110
KINDS = ("laparoscopy", "robotic", "microscope")
WAYS = {"every frame": frozenset(), "default": UNJUDGED, "no event": frozenset(set(EventKind) - {EventKind.CUT})}


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    """Intersection by union of two bool masks."""
    return float((mask & truth).sum() / max((mask | truth).sum(), 1))


Scores = dict[str, tuple[list[float], list[bool]]]


def run_clip(network: Network, kind: EventKind, seed: int) -> Scores:
    """By way: J of each object and frame behind the event, and whether it had a mask in it though it was not seen."""
    event = DrawnEvent(kind, START, STOP, seed)
    scene = EventScene(seed, 256, LENGTH, kind=KINDS[seed % 3], tempo=0.5, drift=0.0, events=[event])
    drawn = [scene.render(t) for t in range(LENGTH)]
    areas = np.bincount(drawn[0][1].ravel(), minlength=256)
    objects = [o.id for o in scene.objects if areas[o.id] > 0.005 * drawn[0][1].size][:2]
    shared = Tracker(network)
    for object_id in objects:
        shared.add_prompt(object_id=object_id, prompt=Mask(drawn[0][1] == object_id))
    ways = {name: (Tracker(network), FrameJudge(unjudged)) for name, unjudged in WAYS.items()}
    scores: dict[str, tuple[list[float], list[bool]]] = {name: ([], []) for name in ways}
    for t, (image, labels) in enumerate(drawn):
        frame = Frame(image, t)
        judged = {name: judge(frame) for name, (_, judge) in ways.items()}
        if t < FORK:
            shared.step(frame)
            continue
        for name, (tracker, _) in ways.items():
            if t == FORK:
                tracker.load_state_dict(shared.state_dict())
            for object_id, result in tracker.step(frame, judged=judged[name]).objects.items():
                truth = labels == object_id
                if t >= STOP + 4 and truth.any():
                    scores[name][0].append(overlap(result.mask, truth))
                elif START <= t < STOP and not truth.any():
                    scores[name][1].append(bool(result.mask.any()) and result.state is ObjectState.VISIBLE)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2000, 2001])
    parser.add_argument("--kinds", nargs="+", default=["out_of_body", "black", "blood", "smoke", "lens_wash"])
    args = parser.parse_args()
    network = sam2s.load("micro", device="cpu", threads=1)
    columns = "  ".join(f"{name:>11}" for name in WAYS)
    print(f"{'event':<13} {'seeds':>5}  J behind it: {columns}   false masks in it")
    for kind in args.kinds:
        behind, within = defaultdict[str, list[float]](list), defaultdict[str, list[bool]](list)
        for seed in args.seeds:
            for name, (scores, false) in run_clip(network, EventKind(kind), seed).items():
                behind[name] += scores
                within[name] += false
        values = "  ".join(f"{np.mean(behind[name]):>11.3f}" for name in WAYS)
        false = "  ".join(f"{np.mean(within[name]):.2f}" if within[name] else "-" for name in WAYS)
        print(f"{kind:<13} {len(args.seeds):>5}               {values}   {false}", flush=True)


if __name__ == "__main__":
    main()
