"""Hold the exported network against PyTorch: same weights, same frames, same threads, frame by frame in turn.

    python benchmarks/against_onnx.py [--preset tiny] [--image-size 512] [--threads 1] [--precision int8] [--frames 24]

Three objects are tracked through a drawn clip with their long-term memory full; printed are the median time a frame of
each, their ratio, the largest difference of logits and the IoU of the masks. `micro` runs with its bundled weights, the
other sizes with random ones, for which the time is the same and the IoU means little.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch

import sam2s
from sam2s.evaluation.agreement import agreement
from sam2s.evaluation.hardware import hardware
from sam2s.model import ModelConfig, build, preset
from sam2s.onnx import FILE, PRECISIONS, export, is_export, network_config


def main() -> None:
    """Read the arguments, export, track with both, print the comparison as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="micro", help="micro, tiny, small, base-plus or large")
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--folder", type=Path, help="keep the exported network here, or take the one that is here")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.preset == "micro":
        network = sam2s.load("micro", device="cpu", image_size=args.image_size, threads=args.threads)
    else:
        network = build(preset(args.preset, image_size=args.image_size))
        with torch.no_grad():  # so that objects count as present
            network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias += 4
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        if is_export(folder):
            require(folder, network.config, args.precision)
        else:
            export(network, folder, precision=args.precision)
        found = agreement(network, sam2s.load(folder, threads=args.threads), frames=args.frames)
    torch_time, onnx_time = found.seconds
    setting = {
        "preset": args.preset,
        "image_size": args.image_size,
        "precision": args.precision,
        "threads": args.threads,
    }
    hardware_name = hardware(torch.device("cpu"))
    print(json.dumps(setting | asdict(found) | {"speedup": torch_time / onnx_time, "on": hardware_name}, indent=2))


def require(folder: Path, config: ModelConfig, precision: str) -> None:
    """Stop where the network in the folder is another than the flags say, under which its figures would be told."""
    there, stored = network_config(folder), json.loads((folder / FILE).read_text())["precision"]
    if (there, stored) != (config, precision):
        sys.exit(
            f"{folder} holds another network: {there.name} for images of {there.image_size} in {stored}, wanted "
            f"{config.name} for {config.image_size} in {precision}; give the flags it was made with or another --folder"
        )


if __name__ == "__main__":
    main()
