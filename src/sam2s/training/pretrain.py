"""Train a network from nothing on generated scenes: how the bundled `micro` weights were made.

    torchrun --nproc-per-node 2 -m sam2s.training.pretrain --out runs/a --image-size 128 --min-area 0.025 --minutes 25
    torchrun --nproc-per-node 2 -m sam2s.training.pretrain --out runs/b --image-size 256 --init runs/a/last.pt --minutes 60

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
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from sam2s.model import SAM2S, build, preset
from sam2s.model.checkpoints import Metadata, save_checkpoint

from .clips import SyntheticClips
from .initialise import matching_weights
from .losses import LossWeights, frame_loss, power_loss
from .rollout import PromptKind, rollout

SOURCE = "sam2s.training.pretrain, from nothing, on scenes drawn by sam2s.synth"
NOTE = "A demonstration that has seen only drawn scenes; for real work use sam2.1-base-plus or weights of your own."

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


def main() -> None:
    """Command line of the training script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", type=Path, help="checkpoint of an earlier stage to start from")
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
    args = parser.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        dist.init_process_group("gloo")

    args.out.mkdir(parents=True, exist_ok=True)
    config = preset(args.preset, image_size=args.image_size)
    torch.manual_seed(args.seed)
    model = build(config).train()
    matching_weights(model)
    average = build(config)
    optimiser = torch.optim.AdamW(parameter_groups(model, args.weight_decay), lr=args.lr, betas=(0.9, 0.98))
    step, elapsed, last = 0, 0.0, args.out / "last.pt"
    stages: list[dict[str, Any]] = []
    if last.exists():
        state = torch.load(last, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, elapsed, stages = state["step"], state["elapsed"], state["stages"][:-1]
    elif args.init:
        state = torch.load(args.init, weights_only=True)
        model.load_state_dict(state["average"])
        stages = state["stages"]
    average.load_state_dict(state["average"] if last.exists() else model.state_dict())

    # A resumed run draws new scenes: the seed moves on with the step.
    seed = args.seed + 7919 * step + 104729 * rank
    clips = iter(
        SyntheticClips(
            size=args.image_size,
            batch=args.batch,
            frames=args.frames,
            objects=args.objects,
            seed=seed,
            min_area=args.min_area,
        )
    )
    chooser = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    weights = LossWeights(balance=args.balance)
    sums: dict[str, list[float]] = defaultdict(list)
    started, saved = time.time() - elapsed, time.time()
    while elapsed < 60 * args.minutes:
        progress = elapsed / (60 * args.minutes)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(progress, args.lr)
        kind = chooser.choice(KINDS)
        clip = next(clips)
        total, answers = torch.zeros(()), 0
        teacher = args.teacher * max(0.0, 1 - 2 * progress)
        for answer in rollout(model, clip, kind, generator, teacher=teacher):
            loss, terms = frame_loss(answer.logits, answer.ious, answer.object_logit, answer.target, weights)
            total, answers = total + loss + weights.power * power_loss(answer.power), answers + 1
            sums["power"].append(answer.power.sum().item())
            key = f"{kind}/0" if answer.frame == 0 else f"track/{answer.frame}"
            sums[key].append(terms["iou_value"].item())
        (total / answers).backward()
        if world > 1:
            average_gradients(model)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip_norm)
        if not math.isfinite(norm.item()):
            raise SystemExit(f"gradient norm {norm.item()} at step {step}: the run is stopped, last.pt is intact")
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        with torch.no_grad():
            decay = min(args.ema, (step + 1) / (step + 10))
            for kept, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
                kept.lerp_(new, 1 - decay)
        step += 1
        sums["loss"].append(total.item() / answers)
        sums["norm"].append(norm.item())
        clock = torch.tensor(time.time() - started, dtype=torch.float64)
        if world > 1:
            dist.broadcast(clock, 0)
        elapsed = clock.item()
        if rank:
            continue
        if step % 50 == 0:
            record = {"step": step, "minutes": round(elapsed / 60, 2), "lr": optimiser.param_groups[0]["lr"]}
            record |= {name: round(sum(values) / len(values), 4) for name, values in sorted(sums.items())}
            sums.clear()
            with open(args.out / "log.jsonl", "a") as log:
                log.write(json.dumps(record) + "\n")
            print(json.dumps(record), flush=True)
        if time.time() - saved > 120 or elapsed >= 60 * args.minutes:
            saved = time.time()
            state = {"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
            stage = {name: value for name, value in vars(args).items() if name not in ("out", "init")}
            record = [*stages, {**stage, "processes": world, "steps": step, "minutes": round(elapsed / 60, 1)}]
            torch.save({**state, "step": step, "elapsed": elapsed, "stages": record}, args.out / "last.tmp")
            os.replace(args.out / "last.tmp", last)
            metadata = Metadata(source=SOURCE, licence="Apache-2.0", training={"stages": record}, note=NOTE)
            save_checkpoint(args.out / "weights.safetensors", average.state_dict(), config, metadata)


if __name__ == "__main__":
    main()
