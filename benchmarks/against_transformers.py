"""Hold SAM2S against transformers' Sam2VideoModel: same random weights, same frames, one run.

    python benchmarks/against_transformers.py [--preset tiny] [--image-size 512] [--frames 200] [--objects 1] [--json]

Each of the two tracks the frames as a stream in a process of its own. Printed are the median time a frame without the
first five, the processor time (of all threads; it tells more on a busy machine), the peak memory of the process, how
much memory a frame adds, and how far the masks differ. Both keep memory maps in bfloat16, as transformers always does.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2s.model import ModelConfig, preset

WARM_UP = 5
SIDES = ("sam2s", "transformers")


def main() -> None:
    """Read the arguments, run both sides, print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="tiny", help="tiny, small, base-plus or large")
    parser.add_argument("--image-size", type=int, default=512)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        torch.set_num_threads(args.threads)
        side(args)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random_model(preset(args.preset, image_size=args.image_size)).save_pretrained(folder)
        for which in SIDES:
            command = [sys.executable, __file__, *sys.argv[1:], "--side", which, "--folder", str(folder)]
            subprocess.run(command, check=True)
        results = {which: json.loads((folder / f"{which}.json").read_text()) for which in SIDES}
        masks = [np.load(folder / f"{which}.npy") for which in SIDES]
    ours, theirs = (results[which] for which in SIDES)
    results["speedup"] = round(theirs["seconds_a_frame"] / ours["seconds_a_frame"], 2)
    results["processor_speedup"] = round(theirs["cpu_seconds_a_frame"] / ours["cpu_seconds_a_frame"], 2)
    results["differing_pixels"] = float((masks[0] != masks[1]).mean())
    results["setting"] = {
        **{k: v for k, v in vars(args).items() if k in ("preset", "image_size", "frames", "objects", "threads")}
    }
    results["setting"] |= {"torch": torch.__version__, "processor": processor()}
    print(json.dumps(results, indent=2) if args.json else table(results))


def side(args: argparse.Namespace) -> None:
    """Track on one side and leave the figures and the masks in the folder."""
    step = {"sam2s": our_steps, "transformers": their_steps}[args.side](args)
    times, busy, sizes, masks = [], [], [], []
    for frame in frames(args.frames, args.image_size):
        began, began_cpu = time.perf_counter(), time.process_time()
        logits = step(frame)
        times.append(time.perf_counter() - began)
        busy.append(time.process_time() - began_cpu)
        sizes.append(resident())
        masks.append(logits > 0)
    half = len(sizes) // 2  # by then every store of ours is full
    figures = {
        "seconds_a_frame": round(statistics.median(times[WARM_UP:] or times), 4),
        "cpu_seconds_a_frame": round(statistics.median(busy[WARM_UP:] or busy), 4),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "growth_kib_a_frame": round((sizes[-1] - sizes[half - 1]) / max(1, len(sizes) - half) / 1024, 1),
    }
    (args.folder / f"{args.side}.json").write_text(json.dumps(figures))
    np.save(args.folder / f"{args.side}.npy", np.stack(masks))


def our_steps(args: argparse.Namespace) -> Any:
    """A function from a frame to low-resolution logits [N, h, w], by sam2s."""
    import sam2s
    from sam2s.memory import MemoryPolicy
    from sam2s.tracking import Points, Tracker

    model = sam2s.load(args.folder, device="cpu", precision="fp32")
    tracker = Tracker(model, MemoryPolicy(kind="sam2", map_dtype="bfloat16"))
    for number, point in enumerate(clicks(args)):
        tracker.add_prompt(number + 1, Points([point]))

    def step(frame: np.ndarray) -> np.ndarray:
        result = tracker.step(frame)
        return np.stack([found.low_res_logits.numpy() for found in result.objects.values()])

    return step


def their_steps(args: argparse.Namespace) -> Any:
    """The same by transformers."""
    from transformers import Sam2VideoModel
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    from sam2s.tracking.preprocess import model_image

    model = Sam2VideoModel.from_pretrained(args.folder).eval()
    session = Sam2VideoInferenceSession(video_height=args.image_size, video_width=args.image_size, dtype=torch.float32)
    for number, point in enumerate(clicks(args)):
        index = session.obj_id_to_idx(number + 1)
        inputs = {"point_coords": torch.tensor([[[point]]]), "point_labels": torch.ones(1, 1, 1, dtype=torch.int32)}
        session.add_point_inputs(index, 0, inputs)
        session.obj_with_new_inputs.append(number + 1)

    @torch.inference_mode()
    def step(frame: np.ndarray) -> np.ndarray:
        output = model(inference_session=session, frame=model_image(frame, args.image_size))
        return output.pred_masks[:, 0].float().numpy()

    return step


def frames(count: int, size: int) -> Any:
    """Blocks of random colour that drift, uint8 [size, size, 3], drawn one at a time."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (size // 16, size // 16 + 64, 3), np.uint8)
    for t in range(count):
        yield np.roll(blocks, t, 1)[:, : size // 16].repeat(16, 0).repeat(16, 1)


def clicks(args: argparse.Namespace) -> list[tuple[float, float]]:
    """One click for each object."""
    rng = np.random.default_rng(1)
    return [(float(x), float(y)) for x, y in rng.uniform(0.2, 0.8, (args.objects, 2)) * args.image_size]


def random_model(config: ModelConfig, seed: int = 0) -> Any:
    """transformers' model of the same sizes as one of ours, with random weights of a healthy scale."""
    from transformers import Sam2VideoModel

    model = Sam2VideoModel(transformers_config(config)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("positional_embedding"):
                generator.manual_seed(seed)  # stored twice under two names
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            elif tensor.ndim >= 2 and name.endswith("weight") and "embed" not in name:
                tensor.copy_(noise / tensor[0].numel() ** 0.5)
            elif tensor.ndim == 1 and name.endswith("weight"):
                tensor.copy_(1 + 0.1 * noise)
            else:
                tensor.copy_(0.1 * noise)
        model.mask_decoder.pred_obj_score_head.proj_out.bias += 4  # objects count as present
    return model


def transformers_config(config: ModelConfig) -> Any:
    """Our sizes in the words of transformers."""
    from transformers import Sam2VideoConfig

    dims, grid = list(config.stage_dims), config.grid
    trunk = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": config.embed_dim,
        "num_attention_heads": config.num_heads,
        "blocks_per_stage": list(config.stages),
        "embed_dim_per_stage": dims,
        "num_attention_heads_per_stage": [config.num_heads * 2**stage for stage in range(4)],
        "global_attention_blocks": list(config.global_blocks),
        "window_size_per_stage": list(config.window_sizes),
        "window_positional_embedding_background_size": [config.pos_grid, config.pos_grid],
        "image_size": [config.image_size, config.image_size],
    }
    return Sam2VideoConfig(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": trunk,
            "backbone_channel_list": dims[::-1],
            "backbone_feature_sizes": [[grid * 4, grid * 4], [grid * 2, grid * 2], [grid, grid]],
            "fpn_hidden_size": config.hidden_dim,
        },
        prompt_encoder_config={"hidden_size": config.hidden_dim, "image_size": config.image_size},
        mask_decoder_config={
            "hidden_size": config.hidden_dim,
            "mlp_dim": config.decoder_mlp,
            "num_attention_heads": config.decoder_heads,
            "iou_head_hidden_dim": config.hidden_dim,
        },
        image_size=config.image_size,
        memory_attention_hidden_size=config.hidden_dim,
        memory_attention_num_layers=config.memory_layers,
        memory_attention_feed_forward_hidden_size=config.memory_mlp,
        memory_attention_rope_feat_sizes=[grid, grid],
        memory_encoder_hidden_size=config.hidden_dim,
        memory_encoder_output_channels=config.mem_dim,
        mask_downsampler_embed_dim=config.hidden_dim,
        memory_fuser_embed_dim=config.hidden_dim,
        memory_fuser_intermediate_dim=4 * config.hidden_dim,
        memory_fuser_num_layers=config.fuser_layers,
    )


def resident() -> int:
    """Resident memory of this process now, in bytes (0 where the system does not tell)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")), 0)


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def table(results: dict[str, Any]) -> str:
    """The comparison as a table of Markdown."""
    rows = ["|  | time a frame | processor time | peak memory | growth a frame |", "|---|---|---|---|---|"]
    for which in SIDES:
        r = results[which]
        spent = f"{r['seconds_a_frame']:.3f} s | {r['cpu_seconds_a_frame']:.3f} s"
        rows.append(f"| {which} | {spent} | {r['peak_mib']} MiB | {r['growth_kib_a_frame']} KiB |")
    speedup = f"{results['speedup']:.2f} times as fast, {results['processor_speedup']:.2f} by processor time"
    rows.append(f"\n{speedup}; {100 * results['differing_pixels']:.4f} % of pixels differ")
    rows.append(", ".join(f"{name} {value}" for name, value in results["setting"].items()))
    return "\n".join(rows)


if __name__ == "__main__":
    main()
