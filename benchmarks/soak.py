"""Track for hours: prompts, corrections, objects coming and going, and what the memory of the process does meanwhile.

    python benchmarks/soak.py [--frames 100000] [--weights random:micro] [--image-size 64] [--against-transformers 300]

Without --weights a network of the smallest size that has every part runs, at 64 pixels, so that hours of video pass in
minutes; memory is kept by the same code. Every 50 frames an object is corrected, every 100 one comes and one leaves;
masks are written to disk as in `sam2s track`. Printed are resident memory at twenty points and its growth a frame over
the second half, when every store is full. transformers' session, which keeps what it has seen, can be run beside ours
over a few frames of `random:tiny`.
"""

from __future__ import annotations

import argparse
import json
import time
from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sam2s.bench.against import compare
from sam2s.bench.film import film
from sam2s.bench.memory import resident
from sam2s.bench.network import bench_network, randomise
from sam2s.device import use_threads
from sam2s.model import SAM2S, ModelConfig, build
from sam2s.runs.background_writer import BackgroundWriter
from sam2s.tracking import FrameResult, Points, Tracker
from sam2s.workspace import VideoIdentity, Workspace, to_record


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--weights", help="a name, file or random:tiny")
    parser.add_argument("--image-size", type=int, help="side of the image of --weights and of random:tiny")
    parser.add_argument("--against-transformers", type=int, default=0, metavar="FRAMES")
    args = parser.parse_args()
    where = {"image_size": args.image_size, "device": "auto", "precision": "auto"}
    model = bench_network(args.weights, **where) if args.weights else smallest()
    began, sizes = time.perf_counter(), array("q")
    for done, size in soak(model, args.frames):
        sizes.append(size)
        if done % max(1, args.frames // 20) == 0:
            print(f"{done:8} frames  {size / 2**20:8.1f} MiB", flush=True)
    growth = growth_a_frame(sizes)
    seconds = time.perf_counter() - began
    print(json.dumps({"frames": args.frames, "seconds": round(seconds), "growth_bytes_a_frame": round(growth, 1)}))
    if args.against_transformers:
        tiny = bench_network("random:tiny", **where)
        beside = compare(tiny, "transformers", args.against_transformers, 1)
        grown = {side.name: side.growth_kib for side in (beside.ours, beside.theirs)}
        print(json.dumps({"frames": args.against_transformers, "growth_kib_a_frame": grown}))


def smallest() -> SAM2S:
    """A network with every part, each as small as can be."""
    sizes = ModelConfig(
        "smallest",
        embed_dim=16,
        num_heads=1,
        stages=(1, 1, 2, 1),
        global_blocks=(3,),
        window_sizes=(8, 4, 4, 2),
        image_size=64,
        hidden_dim=64,
        mem_dim=32,
        memory_layers=1,
        memory_mlp=64,
        decoder_depth=1,
        decoder_mlp=64,
        decoder_heads=4,
    )
    use_threads(macs=0)
    return randomise(build(sizes))


def soak(model: SAM2S, frames: int) -> Iterator[tuple[int, int]]:
    """Track frames as a stream, masks to disk; yields how many are done and the resident memory in bytes."""
    tracker, side = Tracker(model), model.image_size
    with (
        TemporaryDirectory(prefix="sam2s-") as folder,
        Workspace.create(Path(folder) / "run", VideoIdentity("soak", "soak", (side, side))) as workspace,
        BackgroundWriter(partial(_write, workspace, workspace.record("propagate").event_id)) as write,
    ):
        for index, result in enumerate(track(tracker, side, frames), 1):
            write(result)
            yield index, resident()


def _write(workspace: Workspace, event_id: int, result: FrameResult) -> None:
    workspace.write_frame(to_record(result), event_id)


def track(tracker: Tracker, side: int, frames: int) -> Iterator[FrameResult]:
    """Objects that come, are corrected, and go."""
    rng = np.random.default_rng(0)
    alive: list[int] = []
    shown = list(film(50, side, side))
    for index in range(frames):
        point = Points([tuple(rng.uniform(0, side, 2))])
        if index % 100 == 0:
            alive.append(index + 1)
            tracker.add_prompt(object_id=index + 1, prompt=point)
        elif index % 50 == 0:
            tracker.add_prompt(
                object_id=alive[0], prompt=Points(point.coords, [index // 100 % 2])
            )  # on the object, off the object
        if index % 100 == 99 and len(alive) > 1:
            tracker.remove_object(object_id=alive.pop(0))
        yield tracker.step(shown[index % len(shown)])


def growth_a_frame(sizes: Sequence[int]) -> float:
    """Bytes that a frame adds over the second half, by a straight line through all sizes."""
    half = np.asarray(sizes[len(sizes) // 2 :], dtype=float)
    return float(np.polyfit(np.arange(len(half)), half, 1)[0])


if __name__ == "__main__":
    main()
