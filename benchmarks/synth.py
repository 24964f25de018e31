"""Time to draw a frame and to set up a scene, by kind of scene, on one core.

    python benchmarks/synth.py [--size 256] [--scenes 16]

Best of three runs of each frame, so that other work on the machine counts less.
"""

import argparse
import time

import numpy as np
import torch

from sam2s.synth import Scene, SceneKind
from sam2s.synth.noise import bank


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--scenes", type=int, default=16)
    args = parser.parse_args()
    torch.set_num_threads(1)
    bank()
    print(f"{args.size} px, {args.scenes} scenes of a kind, milliseconds of processor time")
    print(f"{'kind':<12} {'frame':>7} {'90 %':>7} {'set-up':>7} {'objects':>8}")
    for kind in SceneKind:
        frames, setups, objects = [], [], []
        for seed in range(args.scenes):
            start = time.process_time()
            scene = Scene(seed, args.size, 100, kind=kind)
            setups.append(time.process_time() - start)
            objects.append(len(scene.objects))
            for t in (0, 40, 80):
                frames.append(min(_time(scene, t) for _ in range(3)))
        mean, tail, setup = (1e3 * x for x in (np.mean(frames), np.quantile(frames, 0.9), np.mean(setups)))
        print(f"{kind:<12} {mean:7.1f} {tail:7.1f} {setup:7.1f} {np.mean(objects):8.1f}")


def _time(scene: Scene, t: int) -> float:
    start = time.process_time()
    scene.render(t)
    return time.process_time() - start


if __name__ == "__main__":
    main()
