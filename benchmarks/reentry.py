"""Tools that leave and come back beside a twin: does looking for lost objects help, and what does it cost?

    python benchmarks/reentry.py --out runs/reentry

Draws scenes at a frame a second in which a tool leaves for 2 to 300 seconds and comes back from another side while a
twin of it stays in view, tracks both tools from their true masks of the first frame under every memory policy, and
prints a table with differences paired over scenes and Student's 95 % intervals. What is done already is kept, so the
same command goes on after an interruption, and a larger --scenes adds to it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t as student

import sam2s
from sam2s.evaluation.measures import boundary_f, jaccard
from sam2s.memory import MEMORIES, MemoryPolicy, memory_policy
from sam2s.model import ImageFeatures, Network
from sam2s.synth import Scene
from sam2s.synth.actors import Actor
from sam2s.synth.effects import Grade
from sam2s.synth.instruments import INSTRUMENTS
from sam2s.synth.motion import Camera
from sam2s.synth.organs import ORGANS, bed, organ, palette_of
from sam2s.synth.returns import ReturningInstrument, Visit
from sam2s.synth.stages import SceneObject, Stage
from sam2s.tracking import FrameResult, Mask, Tracker
from sam2s.tracking.feature_prefetch import encode
from sam2s.video.frame import Frame

STAY, BACK = 12, 16
"""Frames before the tool leaves and after it is back."""

TARGET, TWIN = 1, 2
FIRST_SEED, LEAST, ON_TWIN = 710_000, 0.01, 0.5
"""LEAST: share of the first frame that a tool must cover; ON_TWIN: IoU with the twin that makes a mask a switch."""

MEASURES = {
    "back": "J&F after return",
    "before": "J&F before",
    "false": "masks while away",
    "switched": "on the twin",
    "milliseconds": "ms a frame",
}


class TwinScene(Scene):
    """A tool that leaves for `gap` frames and a twin of it, alike in kind, shaft, size and metal, that stays."""

    def __init__(self, seed: int, size: int, gap: int) -> None:
        self.gap = gap
        super().__init__(seed, size, STAY + gap + BACK, kind="reentry")

    def _build(self, rng: np.random.Generator, drift: float) -> Stage:
        actors: list[Actor] = [bed(rng, palette_of(rng))]
        for _ in range(int(rng.integers(1, 3))):
            actors.append(organ(rng, str(rng.choice(list(ORGANS))), 0, size=rng.uniform(0.25, 0.7)))
        name = str(rng.choice([name for name in INSTRUMENTS if name not in ("suturing needle", "thread")]))
        looks, radius = int(rng.integers(2**31)), float(np.exp(rng.uniform(math.log(0.055), math.log(0.085))))
        side = rng.uniform(0, 2 * math.pi)
        back = side + rng.uniform(0.5, 1.5) * math.pi
        visits = [
            Visit(-math.inf, STAY, side, 1.0),
            Visit(STAY + self.gap, math.inf, back, rng.uniform(1.0, 1.8)),
        ]
        stays = [Visit(-math.inf, math.inf, side + rng.uniform(0.5, 1.5) * math.pi, rng.uniform(0.8, 1.4))]
        target = ReturningInstrument(rng, name, TARGET, visits, radius=radius, looks=looks)
        twin = ReturningInstrument(rng, name, TWIN, stays, radius=radius, looks=looks)
        twin.shaft, twin._size = target.shaft, target._size
        camera = Camera(rng, rng.uniform(0, 0.3), rng.uniform(0, 0.15), rng.uniform(0, 0.15))
        objects = (SceneObject(TARGET, name, "instrument"), SceneObject(TWIN, name, "instrument"))
        return Stage((*actors, target, twin), objects, camera, Grade(border=0.25, smoke=0.2), 1.0, steady=True)


def scenes(size: int, gap: int) -> Iterator[TwinScene]:
    """Scenes of a gap whose first frame shows both tools, without end."""
    seed = FIRST_SEED + 1000 * gap
    while True:
        scene = TwinScene(seed, size, gap)
        labels = scene.render(0)[1]
        if all((labels == number).mean() >= LEAST for number in (TARGET, TWIN)):
            yield scene
        seed += 1


def follow(
    network: Network, policy: MemoryPolicy, drawn: list[tuple[np.ndarray, np.ndarray]], features: list[ImageFeatures]
) -> tuple[list[FrameResult], float]:
    """Track both tools from their true masks; also the processor's milliseconds a frame, without the image encoder."""
    tracker = Tracker(network, policy)
    for number in (TARGET, TWIN):
        tracker.add_prompt(object_id=number, prompt=Mask(drawn[0][1] == number))
    began = time.process_time()
    results = [
        tracker.step(Frame(image, index), features=encoded)
        for index, ((image, _), encoded) in enumerate(zip(drawn, features, strict=True))
    ]
    return results, 1000 * (time.process_time() - began) / len(drawn)


def score(results: list[FrameResult], truth: list[np.ndarray], gap: int) -> dict[str, float]:
    """The measures of `MEASURES` for the target of one scene, but the time; `truth` are label maps.

    J&F: over frames that show it. Masks while away: share of the frames without it that have a mask all the same. On
    the twin: share of all frames after the first on which the mask is the twin's.
    """
    before, back, false, switched = [], [], [], []
    for result, labels in zip(results[1:], truth[1:], strict=True):
        mask, target = result.objects[TARGET].mask, labels == TARGET
        switched.append(jaccard(mask, labels == TWIN) > ON_TWIN)
        if not target.any():
            false.append(bool(mask.any()))
        else:
            place = before if result.index < STAY + gap // 2 else back
            place.append((jaccard(mask, target) + boundary_f(mask, target)) / 2)
    lists = {"before": before, "back": back, "false": false, "switched": switched}
    return {name: 100 * float(np.mean(values)) for name, values in lists.items()}


def read_rows(path: Path) -> list[dict]:
    """What was measured already."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def measure(network: Network, scene: TwinScene, policies: dict[str, MemoryPolicy]) -> Iterator[dict]:
    """A row for a scene under each policy."""
    drawn = [scene.render(t) for t in range(len(scene))]
    began = time.process_time()
    features = [encode(network, [Frame(image, index)]) for index, (image, _) in enumerate(drawn)]
    encoder = 1000 * (time.process_time() - began) / len(drawn)
    for memory, policy in policies.items():
        results, milliseconds = follow(network, policy, drawn, features)
        row = {"gap": scene.gap, "memory": memory, "milliseconds": milliseconds, "encoder": encoder}
        yield row | score(results, [labels for _, labels in drawn], scene.gap)


def paired(rows: list[dict], memory: str, reference: str, name: str) -> tuple[float, float]:
    """Mean difference of a measure between two policies over the scenes that both have, and half its 95 % interval."""
    by_policy = [
        {(row["gap"], row["scene"]): row[name] for row in rows if row["memory"] == policy}
        for policy in (memory, reference)
    ]
    common = [key for key in by_policy[0] if key in by_policy[1]]
    differences = np.array([by_policy[0][key] - by_policy[1][key] for key in common])
    if len(differences) < 2:
        return float(differences.mean()), math.inf
    error = differences.std(ddof=1) / math.sqrt(len(differences))
    return float(differences.mean()), float(student.ppf(0.975, len(differences) - 1) * error)


def table(rows: list[dict]) -> str:
    """Two tables in Markdown: means by policy with gains of the search, and J&F after return by gap."""
    names = [name for name in MEMORIES if any(row["memory"] == name for row in rows)]
    lines = ["| memory | " + " | ".join(MEASURES.values()) + " |", "|---|" + "---|" * len(MEASURES)]
    for memory in names:
        own = [row for row in rows if row["memory"] == memory]
        cells = [f"{np.mean([row[name] for row in own]):.1f}" for name in MEASURES]
        lines.append(f"| `{memory}` | " + " | ".join(cells) + " |")
        plain = memory.removesuffix("+search")
        if plain != memory and plain in names:
            gains = (paired(rows, memory, plain, name) for name in MEASURES)
            lines.append("| gain | " + " | ".join(f"{mean:+.1f} ± {half:.1f}" for mean, half in gains) + " |")
    gaps = sorted({row["gap"] for row in rows})
    lines += ["", "| seconds away | scenes | " + " | ".join(f"`{name}`" for name in names) + " |"]
    lines.append("|---|---|" + "---|" * len(names))
    for gap in gaps:
        own = [row for row in rows if row["gap"] == gap]
        cells = []
        for memory in names:
            of = [row for row in own if row["memory"] == memory]
            means = (np.mean([row[name] for row in of]) for name in ("back", "false"))
            cells.append(" / ".join(f"{value:.1f}" for value in means) if of else "")
        lines.append(f"| {gap} | {len({row['scene'] for row in own})} | " + " | ".join(cells) + " |")
    lines += ["", f"The image encoder took {np.mean([row['encoder'] for row in rows]):.1f} ms a frame."]
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder for rows.jsonl and table.md")
    add("--gaps", type=int, nargs="+", default=[2, 10, 30, 100, 300], help="seconds away, at a frame a second")
    add("--scenes", type=int, default=12, help="scenes of each gap")
    add("--size", type=int, default=128, help="side of the frames and of the network's image, pixels")
    add("--confidence", type=float, default=0.6, help="predicted IoU above which DiveMem remembers a frame")
    add("--weights", default="micro", help="a name or a file")
    add("--memory", nargs="+", default=list(MEMORIES), choices=MEMORIES, help="policies that are compared")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = sam2s.load(options.weights, device="cpu", image_size=options.size)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "rows.jsonl"
    rows = read_rows(path)
    done = {(row["gap"], row["scene"], row["memory"]) for row in rows}
    streams = {gap: scenes(options.size, gap) for gap in options.gaps}
    for number, gap in product(range(options.scenes), options.gaps):
        scene = next(streams[gap])
        missing = [name for name in options.memory if (gap, number, name) not in done]
        policies = {name: memory_policy(name, iou_threshold=options.confidence) for name in missing}
        for row in measure(network, scene, policies) if missing else ():
            rows.append(row | {"scene": number})
            with path.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
            values = ", ".join(f"{MEASURES[name]} {row[name]:.1f}" for name in MEASURES)
            print(f"gap {gap} s, scene {number}, {row['memory']}: {values}", file=sys.stderr, flush=True)
    text = table(rows)
    (options.out / "table.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
