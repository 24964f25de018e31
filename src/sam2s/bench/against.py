"""Hold sam2s against another implementation: same weights, same film, one run, a process for each."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from array import array
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from sam2s.bench.memory import forget_peak, peak_mib, resident
from sam2s.bench.official_side import official_side
from sam2s.bench.sam2s_side import sam2s_side
from sam2s.bench.stages import WARM_UP
from sam2s.bench.transformers_side import transformers_side
from sam2s.checkpoints import save_checkpoint
from sam2s.device import resolve_device, resolve_precision
from sam2s.errors import Sam2sError
from sam2s.evaluation.agreement import largest_difference
from sam2s.model import SAM2S

Other = Literal["transformers", "official"]


@dataclass(frozen=True)
class SideTimes:
    """How one implementation did.

    Attributes:
        name: sam2s, transformers or official.
        first_ms: milliseconds to the first mask, network loaded.
        ms: median milliseconds a frame after the first few.
        p99_ms: milliseconds within which 99 % of frames were done.
        processor_ms: processor time a frame, of all threads; it tells more on a busy machine.
        peak_mib: most memory used while tracking, of the device on a GPU.
        growth_kib: memory of the process that a frame adds in the second half.
    """

    name: str
    first_ms: float
    ms: float
    p99_ms: float
    processor_ms: float
    peak_mib: int
    growth_kib: float


@dataclass(frozen=True)
class SpeedComparison:
    """Two sides on the same frames.

    Attributes:
        ours, theirs: how they did.
        differing_pixels: share of mask pixels, at a quarter of the network's size, that differ.
        largest_difference: of any logit; infinite where one is not a number.
        without_cls: whether the weights have a CLS token, which both sides then leave out.
    """

    ours: SideTimes
    theirs: SideTimes
    differing_pixels: float
    largest_difference: float
    without_cls: bool

    @property
    def speedup(self) -> float:
        """Time of theirs over time of ours."""
        return self.theirs.ms / self.ours.ms

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        ratios = {
            "speedup": round(self.speedup, 3),
            "processor_speedup": round(self.theirs.processor_ms / self.ours.processor_ms, 3),
        }
        return asdict(self) | ratios


def compare(model: SAM2S, other: Other, frames: int, objects: int) -> SpeedComparison:
    """Track the same film by both, each in a process of its own.

    Raises:
        Sam2sError: the other one is not installed, or cannot have these weights.
    """
    sides: dict[str, SideTimes] = {}
    with tempfile.TemporaryDirectory(prefix="sam2s-") as name:
        folder = Path(name)
        save_checkpoint(folder / "weights.safetensors", model.state_dict(), model.config, dtype="fp32")
        for side in (other, "sam2s"):  # the one that may be refused first
            job = {
                "side": side,
                "folder": name,
                "frames": frames,
                "objects": objects,
                "device": str(model.device),
                "precision": str(model.dtype).removeprefix("torch."),
                "threads": torch.get_num_threads(),
            }
            done = subprocess.run([sys.executable, "-m", __name__, json.dumps(job)], stderr=subprocess.PIPE, text=True)
            if done.returncode:
                raise Sam2sError(complaint(side, done.returncode, done.stderr))
            sides[side] = SideTimes(**json.loads((folder / f"{side}.json").read_text()))
        differing, largest = 0.0, 0.0
        with (folder / "sam2s.npy").open("rb") as mine, (folder / f"{other}.npy").open("rb") as yours:
            for _ in range(frames):
                ours, theirs = np.load(mine), np.load(yours)
                differing += float(((ours > 0) != (theirs > 0)).mean()) / frames
                largest = max(largest, largest_difference(ours, theirs))
    return SpeedComparison(sides["sam2s"], sides[other], differing, largest, model.config.semantic != "off")


def complaint(side: str, status: int, stderr: str) -> str:
    """What the process of a side had to say: an error of ours as it stands, else how it ended."""
    _, ours, message = f"\n{stderr}".rpartition("\nsam2s: ")
    if ours:
        return message.strip()
    last = "\n".join(stderr.strip().splitlines()[-10:]) or "it said nothing"
    return f"the process of --against's side {side!r} ended with status {status}; its last words:\n{last}"


def run_side(side: str, folder: Path, frames: int, objects: int, device: str, precision: str, threads: int) -> None:
    """Track on one side; leave the figures and the logits in the folder."""
    torch.set_num_threads(threads)
    where = resolve_device(device)
    start = {"sam2s": sam2s_side, "transformers": transformers_side, "official": official_side}[side]
    steps = start(folder / "weights.safetensors", where, resolve_precision(precision, where), frames, objects)
    forget_peak(where)  # of loading, when the weights were there twice
    times, busy, sizes = array("d"), array("d"), array("d")  # and no logits: memory is measured
    with (folder / f"{side}.npy").open("wb") as kept:
        for _ in range(frames):
            began, began_cpu = time.perf_counter(), time.process_time()
            logits = next(steps)
            times.append(1000 * (time.perf_counter() - began))
            busy.append(1000 * (time.process_time() - began_cpu))
            np.save(kept, logits)
            sizes.append(resident())
    half = frames // 2  # by then every store of ours is full
    warm = min(WARM_UP, frames - 1)
    figures = SideTimes(
        side,
        round(times[0], 2),
        round(float(np.median(times[warm:])), 3),
        round(float(np.percentile(times[warm:], 99)), 3),
        round(float(np.median(busy[warm:])), 3),
        peak_mib(where),
        round((sizes[-1] - sizes[half - 1]) / max(1, frames - half) / 1024, 1),
    )
    (folder / f"{side}.json").write_text(json.dumps(asdict(figures)))


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    try:
        run_side(**job | {"folder": Path(job["folder"])})
    except Sam2sError as error:
        sys.exit(f"sam2s: {error}")
