"""Train a network from nothing on generated scenes: how the bundled `micro` weights were made.

    torchrun --nproc-per-node 2 -m sam2s.training.pretrain --out runs/a --image-size 128 --min-area 0.025 --minutes 25
    torchrun --nproc-per-node 2 -m sam2s.training.pretrain --out runs/b --init runs/a/last.pt --minutes 60

One process with one thread for each core is faster on a CPU than one process with many threads, and a process that
draws its own scenes needs no loader workers; without torchrun it trains in one process.

Interrupt it at any moment and run the same command again: it goes on from the last checkpoint. The weights to keep are
the moving average, written as `weights.safetensors` beside the log at the end and at every checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from sam2s.files import replacing
from sam2s.model import SAM2S, build, preset
from sam2s.model.checkpoints import Metadata, load_checkpoint, save_checkpoint

from .clips import ClipBatch, SyntheticClips
from .initialise import matching_weights
from .losses import LossWeights, frame_loss, power_loss
from .rollout import PromptKind, rollout

SOURCE = "sam2s.training.pretrain, from nothing, on scenes drawn by sam2s.synth"
NOTE = "A demonstration that has seen only drawn scenes; for real work use sam2.1-base-plus or weights of your own."

LOG_EVERY, SAVE_EVERY = 50, 120.0
"""Steps between lines of the log, and seconds between checkpoints."""

KINDS: tuple[PromptKind, ...] = ("mask", "mask", "box", "box", "click", "clicks")


def learning_rate(progress: float, peak: float, *, warmup: float = 0.02) -> float:
    """Linear warm-up, then a cosine to a fiftieth of the peak; progress in [0, 1]."""
    if progress < warmup:
        return peak * progress / warmup
    done = (progress - warmup) / (1 - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def parameter_groups(model: SAM2S, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices and kernels decay; biases, norms and embeddings do not."""
    decay = [p for p in model.parameters() if p.ndim >= 2]
    rest = [p for p in model.parameters() if p.ndim < 2]
    return [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def average_gradients(model: SAM2S) -> None:
    """Average the gradients over all processes; a parameter that a process did not use counts as zero there."""
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for p, g in zip(model.parameters(), flat.split([g.numel() for g in gradients]), strict=True):
        p.grad = g.view_as(p)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", type=Path, help="last.pt or weights.safetensors of an earlier stage")
    parser.add_argument("--preset", default="micro")
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--minutes", type=float, required=True, help="training time; the schedule follows it")
    parser.add_argument("--batch", type=int, default=4, help="clips in a step of one process")
    parser.add_argument("--frames", type=int, default=5, help="frames in a clip")
    parser.add_argument("--objects", type=int, default=2, help="most objects of a clip")
    parser.add_argument("--min-area", type=float, default=0.002, help="smallest object taken, share of the first frame")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--clip-norm", type=float, default=1.0)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--teacher", type=float, default=0.5, help="initial share of true masks in the memory")
    parser.add_argument("--balance", type=float, default=0.5, help="share of area-balanced cross-entropy")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


@dataclass
class Run:
    """A training run and where it stands.

    Attributes:
        folder: where checkpoints and the log go.
        model, average: the network and the moving average of its weights.
        optimiser: its optimiser.
        stages: settings of this stage and of those before it, stored with the weights.
        step, elapsed: steps and seconds so far in this stage.
    """

    folder: Path
    model: SAM2S
    average: SAM2S
    optimiser: torch.optim.Optimizer
    stages: list[dict[str, Any]]
    step: int = 0
    elapsed: float = 0.0

    @property
    def checkpoint(self) -> Path:
        """The file to go on from."""
        return self.folder / "last.pt"

    def start(self, init: Path | None) -> None:
        """Go on from this run's checkpoint if there is one, else start from `init` or from fresh matching weights."""
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.elapsed = state["step"], state["elapsed"]
            self.stages = [*state["stages"][:-1], *self.stages]
            return
        matching_weights(self.model)
        if init:
            if init.suffix == ".safetensors":
                checkpoint = load_checkpoint(init)
                weights, stages = checkpoint.state, checkpoint.metadata.training.get("stages", [])
            else:
                state = torch.load(init, weights_only=True)
                weights, stages = state["average"], state["stages"]
            self.model.load_state_dict(weights)
            self.stages = [*stages, *self.stages]
        self.average.load_state_dict(self.model.state_dict())

    def save(self) -> None:
        """Write the checkpoint and the averaged weights; both appear whole or not at all."""
        self.stages[-1] |= {"steps": self.step, "minutes": round(self.elapsed / 60, 1)}
        state = {name: getattr(self, name).state_dict() for name in ("model", "average", "optimiser")}
        with replacing(self.checkpoint) as path:
            torch.save({**state, "step": self.step, "elapsed": self.elapsed, "stages": self.stages}, path)
        metadata = Metadata(source=SOURCE, licence="Apache-2.0", training={"stages": self.stages}, note=NOTE)
        save_checkpoint(self.folder / "weights.safetensors", self.average.state_dict(), self.model.config, metadata)

    def update(self, clip_norm: float, ema: float) -> float:
        """Apply the gradients and move the average; returns the gradient norm."""
        if dist.is_initialized():
            average_gradients(self.model)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip_norm).item()
        if not math.isfinite(norm):
            raise SystemExit(f"gradient norm {norm} at step {self.step}: stopped; {self.checkpoint} is intact")
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        decay = min(ema, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for kept, new in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
                kept.lerp_(new, 1 - decay)
        self.step += 1
        return norm

    def log(self, sums: dict[str, list[float]]) -> None:
        """Append the means of what was gathered to log.jsonl and print them."""
        record = {"step": self.step, "minutes": round(self.elapsed / 60, 2), "lr": self.optimiser.param_groups[0]["lr"]}
        record |= {name: round(sum(values) / len(values), 4) for name, values in sorted(sums.items())}
        sums.clear()
        with open(self.folder / "log.jsonl", "a") as file:
            file.write(json.dumps(record) + "\n")
        print(json.dumps(record), flush=True)


def learn(
    model: SAM2S,
    clip: ClipBatch,
    kind: PromptKind,
    generator: torch.Generator,
    *,
    teacher: float,
    weights: LossWeights,
    sums: dict[str, list[float]],
) -> None:
    """Run a batch forward and backward, and note its loss and IoUs in `sums`."""
    total, answers = torch.zeros(()), 0
    for answer in rollout(model, clip, kind, generator, teacher=teacher):
        loss, terms = frame_loss(answer.logits, answer.ious, answer.object_logit, answer.target, weights)
        total, answers = total + loss + weights.power * power_loss(answer.power), answers + 1
        key = f"{kind}/0" if answer.frame == 0 else f"track/{answer.frame}"
        sums[key].append(terms["iou_value"].item())
    (total / answers).backward()
    sums["loss"].append(total.item() / answers)


def main() -> None:
    """Train until the minutes are over."""
    args = arguments()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        dist.init_process_group("gloo")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    config = preset(args.preset, image_size=args.image_size)
    model = build(config).train()
    optimiser = torch.optim.AdamW(parameter_groups(model, args.weight_decay), lr=args.lr, betas=(0.9, 0.98))
    stage = {name: value for name, value in vars(args).items() if name not in ("out", "init")} | {"processes": world}
    run = Run(args.out, model, build(config), optimiser, [stage])
    run.start(args.init)

    # A resumed run draws new scenes: the seed moves on with the step.
    seed = args.seed + 7919 * run.step + 104729 * rank
    options = {name: getattr(args, name) for name in ("batch", "frames", "objects", "min_area")}
    clips = iter(SyntheticClips(size=args.image_size, seed=seed, **options))
    chooser, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    weights = LossWeights(balance=args.balance)
    sums: dict[str, list[float]] = defaultdict(list)
    limit, began, saved = 60 * args.minutes, time.time() - run.elapsed, time.time()
    while run.elapsed < limit:
        progress = run.elapsed / limit
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(progress, args.lr)
        teacher = args.teacher * max(0.0, 1 - 2 * progress)
        learn(model, next(clips), chooser.choice(KINDS), generator, teacher=teacher, weights=weights, sums=sums)
        sums["norm"].append(run.update(args.clip_norm, args.ema))
        clock = torch.tensor(time.time() - began, dtype=torch.float64)
        if world > 1:
            dist.broadcast(clock, 0)  # one clock, or the processes would stop at different steps
        run.elapsed = clock.item()
        if rank == 0 and run.step % LOG_EVERY == 0:
            run.log(sums)
        if rank == 0 and (time.time() - saved > SAVE_EVERY or run.elapsed >= limit):
            saved = time.time()
            run.save()


if __name__ == "__main__":
    main()
