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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

import sam2s
from ablation_table import ROWS, Memory, Tracked, gains, plot_gains, table
from lockstep import follow_together
from sam2s.errors import OutputError
from sam2s.evaluation.calibrate import predicted_ious
from sam2s.evaluation.collect import collect
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.diagnostics import decay_curve
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.plots import plot_decay
from sam2s.evaluation.result_files import is_done
from sam2s.evaluation.rules import Prompting, Rules
from sam2s.evaluation.videos import EvalVideo
from sam2s.evaluation.worker import Worker
from sam2s.files import replacing, write_atomically
from sam2s.masks.palette import write_label_map
from sam2s.memory import MemoryPolicy
from sam2s.model import upsample
from sam2s.quality.figures import expected_calibration_error
from sam2s.synth import Scene
from sam2s.tracking import Box, Tracker
from sam2s.training.data.noise import NoisyVideo
from sam2s.training.data.scenes import SceneVideo
from sam2s.training.loop import train
from sam2s.training.recipe import load_recipe

FIRST_SEED, CALIBRATION_SEED, SIZE = 600_000, 690_000, 128
JITTER, ANNOTATORS = 0.015, 7
"""Error of outlines as in `ablation/synthetic`, and how many people's outlines are compared."""
LEAST = 0.01
"""Share of the first frame that an object must cover to be followed."""
TOGETHER = 20
"""Scenes that are tracked side by side."""


def benchmark(root: Path, scenes: int, length: int) -> list[EvalVideo]:
    """The first so many scenes on disk, frames and masks; those that are not there yet are drawn.

    Raises:
        OutputError: those that are there have another length.
    """
    seeds = count(FIRST_SEED)
    for number in range(scenes):
        scene = next(s for s in (Scene(seed, SIZE, length, kind="reentry") for seed in seeds) if shows_both(s))
        folder = root / "reentry" / f"{number:03}"
        if not folder.exists():
            print(f"drawing scene {number + 1} of {scenes}", end="\r", file=sys.stderr, flush=True)
            with replacing(folder) as partial:
                write(scene, partial)
    videos = open_videos([str(root)])[:scenes]
    for video in videos:
        if len(video.stems) != length:
            raise OutputError(
                f"{root} holds scenes of {len(video.stems)} frames, not {length}; use --length {len(video.stems)}, or "
                "another --out"
            )
    return videos


def shows_both(scene: Scene) -> bool:
    """Whether both tools can be pointed at on the first frame."""
    labels = scene.render(0)[1]
    return all((labels == item.id).mean() >= LEAST for item in scene.objects)


def write(scene: Scene, folder: Path) -> None:
    """Frames and label images of a scene, and what its objects are called."""
    (folder / "frames").mkdir(parents=True)
    for t in range(scene.length):
        image, labels = scene.render(t)
        Image.fromarray(image).save(folder / "frames" / f"{t:05}.png")
        write_label_map(folder / "masks" / f"{t:05}.png", labels)
    names = [{"id": item.id, "label": item.name} for item in scene.objects]
    (folder / "objects.json").write_text(json.dumps({"objects": names}))


def train_stage(recipe: str, settings: Sequence[str], folder: Path) -> Path:
    """Train, or go on; the weights. Those of a stage that is done stay as they are, and with them what they gave."""
    done, stage = folder / "stage.json", json.dumps([recipe, *settings])
    if not done.exists() or done.read_text() != stage:
        trained = train(load_recipe(recipe, settings), folder, device="cpu", report_progress=lambda _: None)
        if trained.signal is not None:
            raise SystemExit(128 + trained.signal)
        write_atomically(done, stage.encode())
    return folder / "weights.safetensors"


def threshold(weights: Path | str, quantile: float, length: int) -> float:
    """The quantile of what a network predicts of its masks on scenes of this kind, above which DiveMem remembers."""
    network = sam2s.load(weights, device="cpu", image_size=SIZE)
    scenes = [Scene(CALIBRATION_SEED + k, SIZE, min(length, 100), kind="reentry") for k in range(4)]
    return round(float(np.quantile(predicted_ious(network, scenes), quantile)), 3)


def track(weights: Path | str, memory: Memory, confidence: float, videos: list[EvalVideo], folder: Path) -> Tracked:
    """Follow every object from its true mask on the first frame, some scenes side by side; and look at outlines."""
    out = folder / "eval"
    run, settings = (
        EvalRun("sam2s", "sam2s", Prompting.MASK, memory, str(weights)),
        EvalSettings(SIZE, "cpu", "fp32", confidence=confidence, probe=False),
    )
    worker, policy = Worker(settings, out), MemoryPolicy(kind=memory, iou_threshold=confidence)
    left = [video for video in videos if not is_done(out, run, video, settings)]
    for first in range(0, len(left), TOGETHER):
        together = left[first : first + TOGETHER]
        for video, followed in zip(
            together, follow_together(worker.network(run.weights), policy, together), strict=True
        ):
            worker.follow = followed.replay
            worker.work(video, None, [run])
    scenes = {video.name: collect(out, run, [video], Rules()) for video in videos}
    edge = keep(folder / "edges.json", partial(edge_error, weights))
    return Tracked(collect(out, run, videos, Rules()), scenes, edge)


@dataclass(frozen=True)
class AnnotatedScene(SceneVideo):
    """A scene as one of several annotators saw it: with a name of its own, so that `NoisyVideo` errs in its own way."""

    annotator: int = 0

    @property
    def name(self) -> str:
        """The scene and the annotator."""
        return f"{super().name} by {self.annotator}"


@cache
def marked_scene(number: int) -> tuple[np.ndarray, dict[int, tuple[np.ndarray, np.ndarray]]]:
    """A scene's first picture [S, S, 3], and of each tool its mask [S, S] and the share of annotators of each pixel."""
    scene = Scene(CALIBRATION_SEED + 1000 + number, SIZE, 1, kind="reentry")
    image, labels = scene.render(0)
    people = [NoisyVideo(AnnotatedScene(scene, annotator=a), JITTER) for a in range(ANNOTATORS)]
    seen = [item.id for item in scene.objects if (labels == item.id).mean() >= LEAST]
    return image, {i: (labels == i, np.mean([person.masks(0, [i])[i] for person in people], axis=0)) for i in seen}


def edge_error(weights: Path | str, scenes: int = 12) -> float:
    """Calibration error at outlines in percent: probability of the object against the share of annotators who saw it.

    Objects are shown by their boxes; pixels within three of the true outline count.
    """
    network = sam2s.load(weights, device="cpu", image_size=SIZE)
    predicted, marked = [], []
    for image, objects in map(marked_scene, range(scenes)):
        tracker = Tracker(network)
        for i, (mask, _) in objects.items():
            rows, columns = np.nonzero(mask)
            tracker.add_prompt(object_id=i, prompt=Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        result = tracker.step(image)
        for i, (mask, votes) in objects.items():
            logits = upsample(result.objects[i].low_res_logits[None, None].float(), SIZE)[0, 0]
            near = ndimage.distance_transform_edt(mask) + ndimage.distance_transform_edt(~mask) <= 3
            predicted += logits.sigmoid().numpy()[near].tolist()
            marked += votes[near].tolist()
    return 100 * expected_calibration_error(predicted, marked)


def keep(path: Path, compute: Callable[[], float]) -> float:
    """A number that was written to a file, or is computed and written now."""
    if not path.exists():
        write_atomically(path, json.dumps(compute()).encode())
    return float(json.loads(path.read_text()))


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
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the recipe, for all rows")
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
    confidence = keep(args.out / "threshold.json", lambda: threshold(base, args.quantile, args.length))
    print(f"frames with a predicted IoU above {confidence} are confident", flush=True)
    results: dict[tuple[str, int], Tracked] = {}
    for seed in range(1, args.seeds + 1):
        for name, row in ((name, ROWS[name]) for name in args.row or ROWS):
            if row.changes is None and seed > 1:
                continue
            folder, weights = args.out / f"{name} {seed}".replace(" ", "-").replace(",", ""), base
            if row.changes is not None:
                stage = [f"model.init={base}", f"schedule.length={args.steps} steps", f"run.seed={seed}", *row.changes]
                weights = train_stage("ablation/synthetic", [*stage, *args.set], folder)
            results[name, seed] = track(weights, row.memory, confidence, videos, folder)
            print(f"{name} seed {seed}: J&F {results[name, seed].outcome.average():.1f}", flush=True)
    text = f"{table(results)}\n\n{gains(results)}\n"
    print(text, end="")
    write_atomically(args.out / "table.md", text.encode())
    curves = {name: decay_curve(one.outcome.scores) for (name, seed), one in results.items() if seed == 1}
    plot_decay(curves, args.out / "over-time.png")
    plot_gains(results, args.out / "gains.png")


if __name__ == "__main__":
    main()
