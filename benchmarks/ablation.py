"""The rows of Table 7 at a scale that a CPU can do: what do DiveMem, TSL and ARL add on long drawn scenes?

    python benchmarks/ablation.py --out runs/ablation

Draws a benchmark of long clips from seeds that no training sees, trains every row from the same weights in equal
steps (recipe `ablation/synthetic`), tracks the benchmark from the true masks of first frames, and prints the table.
What is done already is kept, so the same command goes on after an interruption. All rows start from the row "none".
"""

from __future__ import annotations

import argparse
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from sam2s.errors import OutputError
from sam2s.evaluation.collect import collect
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.diagnostics import decay_curve, identity_switches
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.outcome import EvalOutcome
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.plots import plot_decay
from sam2s.evaluation.rules import Prompting, Rules
from sam2s.evaluation.videos import EvalVideo
from sam2s.files import replacing
from sam2s.masks.palette import write_label_map
from sam2s.synth import Scene
from sam2s.training.loop import train
from sam2s.training.recipe import load_recipe

DIVE = ("data.clips.divemem=0.5",)
NAMED = ("model.semantic=joint", "loss.tsl=0.1")
SOFT = ("loss.arl=true",)
ROWS: dict[str, tuple[str, ...] | None] = {
    "none": None,
    "data": (),
    "data + DiveMem": DIVE,
    "data + TSL": NAMED,
    "data + DiveMem + TSL": DIVE + NAMED,
    "all (+ ARL)": DIVE + NAMED + SOFT,
}
TWICE = ("data", "all (+ ARL)")
"""Rows that are trained with a second seed too."""

FIRST_SEED, LENGTH, SIZE = 600_000, 600, 128
KINDS = ("robotic", "laparoscopy")
CONFIDENCE = 0.5
"""Predicted IoU above which DiveMem may remember a frame: so small a network never comes near the paper's 0.95."""
LEAST = 0.01
"""Share of the frame that an object must cover to count as seen."""


def benchmark(root: Path, clips: int) -> list[EvalVideo]:
    """Long clips on disk, frames and masks; drawn if they are not there yet.

    Raises:
        OutputError: others are there.
    """
    if not root.exists():
        seeds = count(FIRST_SEED)
        with replacing(root) as partial:
            for number in range(clips):
                ids: list[int] = []
                while not ids:
                    kind = KINDS[number % len(KINDS)]
                    scene = Scene(next(seeds), SIZE, LENGTH, kind=kind, tempo=0.7, drift=1.0)
                    ids = fit(scene)
                write(scene, ids, partial / "long" / f"{number:02}")
    videos = open_videos([str(root)])
    if len(videos) != clips:
        raise OutputError(f"{root} holds {len(videos)} clips, not {clips}; use --clips {len(videos)}, or another --out")
    return videos


def fit(scene: Scene) -> list[int]:
    """The objects to track, seen on the first frame; none if the scene is not what a long-term benchmark needs.

    That is two or three objects, of which at least one instrument leaves and comes back twice; looked at on every tenth
    frame.
    """
    labels = [scene.render(t)[1] for t in range(0, scene.length, 10)]
    chosen = [o for o in scene.objects if (labels[0] == o.id).mean() > LEAST]
    tools = [o.id for o in chosen if o.type == "instrument"]
    if len(chosen) not in (2, 3) or not tools:
        return []
    shown = np.array([[(frame == i).mean() > LEAST for frame in labels] for i in tools])
    returns = (~shown[:, :-1] & shown[:, 1:]).sum(1)
    return [o.id for o in chosen] if returns.max() >= 2 and shown.mean() > 0.4 else []


def write(scene: Scene, ids: list[int], folder: Path) -> None:
    """Frames and label images of a scene, with these objects alone."""
    (folder / "frames").mkdir(parents=True)
    for t in range(scene.length):
        image, labels = scene.render(t)
        Image.fromarray(image).save(folder / "frames" / f"{t:05}.png")
        write_label_map(folder / "masks" / f"{t:05}.png", np.where(np.isin(labels, ids), labels, 0).astype(np.uint8))


def do(row: str, seed: int, init: str, steps: int, videos: list[EvalVideo], out: Path) -> EvalOutcome:
    """Train a row and track the benchmark with it."""
    folder, overrides = out / f"{row} {seed}".replace(" ", "-"), ROWS[row]
    weights = Path(init)
    if overrides is not None:
        settings = [f"model.init={init}", f"schedule.length={steps} steps", f"run.seed={seed}", *overrides]
        trained = train(
            load_recipe("ablation/synthetic", settings), folder, device="cpu", report_progress=lambda _: None
        )
        if trained.signal is not None:
            raise SystemExit(128 + trained.signal)
        weights = trained.weights
    memory: Literal["divemem", "sam2"] = "divemem" if overrides and DIVE[0] in overrides else "sam2"
    run = EvalRun("sam2s", "sam2s", Prompting.MASK, memory, str(weights))
    evaluate(videos, [run], EvalSettings(SIZE, "cpu", "fp32", confidence=CONFIDENCE), folder / "eval")
    return collect(folder / "eval", run, videos, Rules())


def table(found: dict[tuple[str, int], EvalOutcome]) -> str:
    """Mean J&F of each row over its seeds, their spread, and what else was counted."""
    lines = ["| row | seeds | J&F | of each seed | gain | identity switches | last fifth of the clip |"]
    lines.append("|---|---|---|---|---|---|---|")
    scores = {row: [o.average() for (name, _), o in found.items() if name == row] for row in ROWS}
    for row, jf in scores.items():
        if not jf:
            continue
        mine = [outcome for (name, _), outcome in found.items() if name == row]
        gain = f"{np.mean(jf) - np.mean(scores['data']):+.1f}" if scores["data"] and row != "data" else ""
        switches = np.mean([sum(identity_switches(s.object_id, s.frame_scores) for s in o.scores) for o in mine])
        late = np.mean([100 * decay_curve(o.scores, 5)[-1] for o in mine])
        each = ", ".join(f"{value:.1f}" for value in jf)
        lines.append(f"| {row} | {len(mine)} | {np.mean(jf):.1f} | {each} | {gain} | {switches:.1f} | {late:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Do what is not done yet, tell of each run, and print the table at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", default="micro", help="weights that every row starts from")
    parser.add_argument("--steps", type=int, default=120, help="optimiser steps of a run")
    parser.add_argument("--clips", type=int, default=4, help="clips of the benchmark, 600 frames each")
    parser.add_argument("--seeds", type=int, default=1, help=f"trainings of a row; {' and '.join(TWICE)} get one more")
    parser.add_argument("--row", action="append", choices=ROWS, help="only these rows; may be repeated")
    args = parser.parse_args()
    torch.set_num_threads(1)
    videos = benchmark(args.out / "benchmark", args.clips)
    found: dict[tuple[str, int], EvalOutcome] = {}
    for seed in range(1, args.seeds + 2):
        for row in args.row or ROWS:
            if seed <= args.seeds or row in TWICE:
                if ROWS[row] is None and seed > 1:
                    continue
                found[row, seed] = do(row, seed, args.init, args.steps, videos, args.out)
                print(f"{row} seed {seed}: J&F {found[row, seed].average():.1f}", flush=True)
    print(table(found))
    (args.out / "table.md").write_text(table(found) + "\n")
    curves = {row: decay_curve(outcome.scores) for (row, seed), outcome in found.items() if seed == 1}
    plot_decay(curves, args.out / "over-time.png")


if __name__ == "__main__":
    main()
