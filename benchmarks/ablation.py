"""The rows of Table 7 at a scale that a CPU can do: what do DiveMem, TSL and ARL add where tools leave and return?

    python benchmarks/ablation.py --out runs/ablation                                  # all of it
    python benchmarks/ablation.py --out runs/memory --base-steps 0 --row none          # the filter alone, no training

Draws scenes of the kind `reentry` from seeds that no training sees, trains one base (recipe `ablation/base`) and from
it every row in equal steps (recipe `ablation/synthetic`), tracks the scenes from the true masks of first frames, and
prints a table whose gains are paired over scenes and have confidence intervals. What is done already is kept, so the
same command goes on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from scipy.stats import t as student

import sam2s
from sam2s.errors import OutputError
from sam2s.evaluation.calibrate import predicted_ious
from sam2s.evaluation.collect import collect
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.diagnostics import calibration_error, decay_curve
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.outcome import EvalOutcome
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.plots import plot_decay
from sam2s.evaluation.rules import Prompting, Rules
from sam2s.evaluation.videos import EvalVideo
from sam2s.files import replacing
from sam2s.masks.palette import write_label_map
from sam2s.synth import Scene
from sam2s.tracking import Box, Tracker
from sam2s.training.data.noise import NoisyVideo
from sam2s.training.data.scenes import SceneVideo
from sam2s.training.loop import train
from sam2s.training.recipe import load_recipe

Memory = Literal["divemem", "sam2"]


@dataclass(frozen=True)
class Row:
    """One row of the table: how it differs from "data" in training, None without training, and what tracks with it."""

    changes: tuple[str, ...] | None
    memory: Memory = "sam2"


DIVE, NAMED, SOFT = ("data.clips.divemem=0.5",), ("loss.tsl=0.1",), ("loss.arl=true", "loss.arl_sigma=0.5")
ROWS: dict[str, Row] = {
    "none": Row(None),
    "none, DiveMem filter": Row(None, "divemem"),
    "data": Row(()),
    "data + DiveMem": Row(DIVE, "divemem"),
    "data + TSL": Row(NAMED),
    "data + DiveMem + TSL": Row(DIVE + NAMED, "divemem"),
    "all (+ ARL)": Row(DIVE + NAMED + SOFT, "divemem"),
}
REFERENCE = {"none, DiveMem filter": "none", "all (+ ARL)": "data + DiveMem + TSL"}
"""Rows whose gain is over another row than "data"."""

FIRST_SEED, CALIBRATION_SEED, SIZE = 600_000, 690_000, 128
JITTER, ANNOTATORS = 0.015, 7
"""Error of outlines as in `ablation/synthetic`, and how many people's outlines are compared."""
LEAST = 0.01
"""Share of the first frame that an object must cover to be followed."""


def benchmark(root: Path, scenes: int, length: int) -> list[EvalVideo]:
    """Scenes on disk, frames and masks; drawn if they are not there yet.

    Raises:
        OutputError: others are there.
    """
    if not root.exists():
        seed = FIRST_SEED
        with replacing(root) as partial:
            for number in range(scenes):
                while not write(Scene(seed, SIZE, length, kind="reentry"), partial / "reentry" / f"{number:03}"):
                    seed += 1
                seed += 1
                print(f"drawing scene {number + 1} of {scenes}", end="\r", file=sys.stderr, flush=True)
    videos = open_videos([str(root)])
    if len(videos) != scenes:
        raise OutputError(
            f"{root} holds {len(videos)} scenes, not {scenes}; use --scenes {len(videos)}, or another --out"
        )
    return videos


def write(scene: Scene, folder: Path) -> bool:
    """Frames and label images of a scene with the objects of its first frame; nothing unless it shows both tools."""
    labels = scene.render(0)[1]
    if any((labels == item.id).mean() < LEAST for item in scene.objects):
        return False
    (folder / "frames").mkdir(parents=True)
    for t in range(scene.length):
        image, labels = scene.render(t)
        Image.fromarray(image).save(folder / "frames" / f"{t:05}.png")
        write_label_map(folder / "masks" / f"{t:05}.png", labels)
    names = [{"id": item.id, "label": item.name} for item in scene.objects]
    (folder / "objects.json").write_text(json.dumps({"objects": names}))
    return True


def train_stage(recipe: str, settings: Sequence[str], folder: Path) -> Path:
    """Train, or go on; the weights."""
    trained = train(load_recipe(recipe, settings), folder, device="cpu", report_progress=lambda _: None)
    if trained.signal is not None:
        raise SystemExit(128 + trained.signal)
    return trained.weights


def threshold(weights: Path | str, quantile: float, length: int) -> float:
    """The quantile of what a network predicts of its masks on scenes of this kind, above which DiveMem remembers."""
    network = sam2s.load(weights, device="cpu", image_size=SIZE)
    scenes = [Scene(CALIBRATION_SEED + k, SIZE, min(length, 100), kind="reentry") for k in range(4)]
    return round(float(np.quantile(predicted_ious(network, scenes), quantile)), 3)


def track(weights: Path | str, memory: Memory, confidence: float, videos: list[EvalVideo], out: Path) -> EvalOutcome:
    """Follow every object from its true mask on the first frame."""
    run = EvalRun("sam2s", "sam2s", Prompting.MASK, memory, str(weights))
    evaluate(videos, [run], EvalSettings(SIZE, "cpu", "fp32", confidence=confidence), out)
    return collect(out, run, videos, Rules())


@dataclass(frozen=True)
class AnnotatedScene(SceneVideo):
    """A scene as one of several annotators saw it: with a name of its own, so that `NoisyVideo` errs in its own way."""

    annotator: int = 0

    @property
    def name(self) -> str:
        """The scene and the annotator."""
        return f"{super().name} by {self.annotator}"


def edge_error(weights: Path | str, scenes: int = 12) -> float:
    """Calibration error at outlines in percent: probability of the object against the share of annotators who saw it.

    Objects are shown by their boxes; pixels within three of the true outline count.
    """
    network = sam2s.load(weights, device="cpu", image_size=SIZE)
    predicted, marked = [], []
    for k in range(scenes):
        scene = Scene(CALIBRATION_SEED + 1000 + k, SIZE, 1, kind="reentry")
        image, labels = scene.render(0)
        tracker, seen = Tracker(network), [item.id for item in scene.objects if (labels == item.id).mean() >= LEAST]
        for i in seen:
            rows, columns = np.nonzero(labels == i)
            tracker.add_prompt(object_id=i, prompt=Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        result = tracker.step(image)
        for i in seen:
            logits = result.objects[i].low_res_logits[None, None].float()
            logits = torch.nn.functional.interpolate(logits, (SIZE, SIZE), mode="bilinear", align_corners=False)[0, 0]
            near = ndimage.distance_transform_edt(labels == i) + ndimage.distance_transform_edt(labels != i) <= 3
            votes = [NoisyVideo(AnnotatedScene(scene, annotator=a), JITTER).masks(0, [i])[i] for a in range(ANNOTATORS)]
            predicted += logits.sigmoid().numpy()[near].tolist()
            marked += np.mean(votes, axis=0)[near].tolist()
    return 100 * calibration_error(predicted, marked)


def by_scene(outcome: EvalOutcome) -> dict[str, float]:
    """J&F of each scene in percent, mean of its objects."""
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for score in outcome.scores:
        scores[score.video].append(50 * (score.mean_j + score.mean_f))
    return {video: float(np.mean(values)) for video, values in scores.items()}


def paired_gain(row: Sequence[EvalOutcome], reference: Sequence[EvalOutcome]) -> tuple[float, float]:
    """Mean gain over scenes, each the mean of its seeds, and half the width of its 95 % interval (Student's t)."""
    mine, theirs = (_mean_by_scene(outcomes) for outcomes in (row, reference))
    differences = np.array([mine[video] - theirs[video] for video in sorted(mine.keys() & theirs.keys())])
    if len(differences) < 2:
        return float(differences.mean()), float("nan")
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return float(differences.mean()), float(student.ppf(0.975, len(differences) - 1) * error)


def _mean_by_scene(outcomes: Sequence[EvalOutcome]) -> dict[str, float]:
    scenes = [by_scene(outcome) for outcome in outcomes]
    return {video: float(np.mean([scene[video] for scene in scenes])) for video in scenes[0]}


COUNTED = ("F", "edges off by", "after returns", "false masks", "switches", "names right", "IoU off by", "memory full")
COLUMNS = ("row", "seeds", "J&F", "gain, 95 % interval", *COUNTED)


def table(outcomes: dict[tuple[str, int], EvalOutcome], edges: dict[tuple[str, int], float]) -> str:
    """A line a row, means over its seeds; the gain of a row is over `REFERENCE`, else over "data".

    Percent but for switches: J&F and its gain, F, calibration error at outlines, J&F of ten frames after returns,
    frames without the object that got a mask, right names, calibration error of predicted IoU, fill of the memory.
    """
    rows = {name: [o for (other, _), o in outcomes.items() if other == name] for name in ROWS}
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for name, mine in rows.items():
        if not mine:
            continue
        reference = rows.get(REFERENCE.get(name, "data"))
        gain = ""
        if reference and reference is not mine and name != "none":
            gain = "{:+.1f} ± {:.1f}".format(*paired_gain(mine, reference))
        cells = [name, str(len(mine)), f"{np.mean([o.average() for o in mine]):.1f}", gain]
        counts = np.array([_counts(o) for o in mine]).mean(0)
        counts[1] = np.mean([error for (other, _), error in edges.items() if other == name])
        cells += ["" if np.isnan(value) else f"{value:.1f}" for value in counts]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _counts(outcome: EvalOutcome) -> list[float]:
    """What `COUNTED` names; errors at outlines are not of the outcome."""
    found, memory = outcome.diagnostics, outcome.diagnostics.memory
    returns = sum(group.returns for group in found.reentry)
    after = sum(group.jf * group.returns for group in found.reentry if group.returns) / returns if returns else np.nan
    filled = memory.filled / max(1, memory.places * memory.frames) if memory else np.nan
    f = np.mean([score.mean_f for score in outcome.scores])
    counts = [100 * f, np.nan, 100 * after, 100 * found.by_mask.false_positive_rate, found.switches]
    return [float(x) for x in (*counts, 100 * found.names.accuracy, found.calibration, 100 * filled)]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", default="micro", help="weights that the base starts from")
    parser.add_argument(
        "--base-steps", type=int, default=3000, help="optimiser steps of the base; 0 takes --init as it is"
    )
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps of a row")
    parser.add_argument("--scenes", type=int, default=50, help="scenes of the benchmark, with two objects each")
    parser.add_argument("--length", type=int, default=400, help="frames of a scene")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of a row")
    parser.add_argument(
        "--quantile", type=float, default=0.5, help="of the base's predictions, from which DiveMem remembers"
    )
    parser.add_argument("--row", action="append", choices=ROWS, help="only these rows; may be repeated")
    return parser.parse_args()


def main() -> None:
    """Do what is not done yet, tell of each run, and print the table at the end."""
    args = arguments()
    torch.set_num_threads(1)
    videos = benchmark(args.out / "benchmark", args.scenes, args.length)
    base: Path | str = args.init
    if args.base_steps:
        stage = [f"model.init={args.init}", f"schedule.length={args.base_steps} steps"]
        base = train_stage("ablation/base", stage, args.out / "base")
    confidence = threshold(base, args.quantile, args.length)
    print(f"frames with a predicted IoU above {confidence} are confident", flush=True)
    outcomes: dict[tuple[str, int], EvalOutcome] = {}
    edges: dict[tuple[str, int], float] = {}
    for seed in range(1, args.seeds + 1):
        for name, row in ((name, ROWS[name]) for name in args.row or ROWS):
            if row.changes is None and seed > 1:
                continue
            folder, weights = args.out / f"{name} {seed}".replace(" ", "-").replace(",", ""), base
            if row.changes is not None:
                stage = [f"model.init={base}", f"schedule.length={args.steps} steps", f"run.seed={seed}", *row.changes]
                weights = train_stage("ablation/synthetic", stage, folder)
            outcomes[name, seed] = track(weights, row.memory, confidence, videos, folder / "eval")
            edges[name, seed] = edge_error(weights)
            print(f"{name} seed {seed}: J&F {outcomes[name, seed].average():.1f}", flush=True)
    print(table(outcomes, edges))
    (args.out / "table.md").write_text(table(outcomes, edges) + "\n")
    curves = {name: decay_curve(outcome.scores) for (name, seed), outcome in outcomes.items() if seed == 1}
    plot_decay(curves, args.out / "over-time.png")


if __name__ == "__main__":
    main()
