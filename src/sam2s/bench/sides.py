"""The same film tracked by sam2s, by transformers' `Sam2VideoModel`, and by the official `sam2` package.

Each side loads its network when called, and then gives mask logits [N, h, w] at a quarter of the network's size, frame
by frame, from the same weights and one click an object on the first frame. Memory maps are kept in bfloat16, as the
other two always do, and a CLS token, which they do not know, is left out of ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2s.bench.network import clicks, film
from sam2s.checkpoints import SEMANTIC, assemble, load_checkpoint
from sam2s.checkpoints.transformers_names import to_official
from sam2s.errors import ConfigError, MissingExtraError, missing_extra
from sam2s.memory import MemoryPolicy
from sam2s.model import ModelConfig
from sam2s.tracking import Points, Tracker
from sam2s.tracking.preprocess import normalise, resize

POLICY = MemoryPolicy(kind="sam2", map_dtype="bfloat16", max_conditioning=1_000_000, corrections="answer")
_OFFICIAL = {"tiny": "t", "small": "s", "base-plus": "b+", "large": "l"}


def sam2s_side(
    weights: Path, device: torch.device, dtype: torch.dtype, frames: int, objects: int
) -> Iterator[np.ndarray]:
    """Ours, as a stream."""
    config, state = without_semantics(*load_checkpoint(weights)[:2])
    model, side = assemble(config, state).to(device, dtype), config.image_size

    def steps() -> Iterator[np.ndarray]:
        tracker = Tracker(model, POLICY)
        for number, point in enumerate(clicks(objects, side, side)):
            tracker.add_prompt(object_id=number + 1, prompt=Points([point]))
        for image in film(frames, side, side):
            result = tracker.step(image)
            yield torch.stack([found.low_res_logits for found in result.objects.values()]).float().cpu().numpy()

    return steps()


def transformers_side(
    weights: Path, device: torch.device, dtype: torch.dtype, frames: int, objects: int
) -> Iterator[np.ndarray]:
    """transformers, as a stream."""
    config, state, _ = load_checkpoint(weights)
    model, side = transformers_model(config, state).to(device, dtype), config.image_size
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    def steps() -> Iterator[np.ndarray]:
        session = Sam2VideoInferenceSession(
            video_height=side, video_width=side, inference_device=device, inference_state_device=device, dtype=dtype
        )
        for number, point in enumerate(clicks(objects, side, side)):
            index = session.obj_id_to_idx(number + 1)
            inputs = {"point_coords": torch.tensor([[[point]]]), "point_labels": torch.ones(1, 1, 1, dtype=torch.int32)}
            session.add_point_inputs(index, 0, {name: tensor.to(device) for name, tensor in inputs.items()})
            session.obj_with_new_inputs.append(number + 1)
        for image in film(frames, side, side):
            with torch.inference_mode():
                output = model(inference_session=session, frame=normalise(resize(image, side)).to(device, dtype))
            yield output.pred_masks[:, 0].float().cpu().numpy()

    return steps()


def official_side(
    weights: Path, device: torch.device, dtype: torch.dtype, frames: int, objects: int
) -> Iterator[np.ndarray]:
    """The official predictor. It wants the whole video before the first mask; that is outside the time of a frame."""
    config, state, _ = load_checkpoint(weights)
    predictor, side = official_model(config, state, device), config.image_size
    import sam2.sam2_video_predictor as official

    def steps() -> Iterator[np.ndarray]:
        images = normalise(torch.cat([resize(image, side) for image in film(frames, side, side)])).to(device)
        official.load_video_frames = lambda **_: (images, side, side)
        official.tqdm = lambda steps, **_: steps
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            session = predictor.init_state("")
            for number, point in enumerate(clicks(objects, side, side)):
                predictor.add_new_points_or_box(session, 0, number + 1, points=[point], labels=[1])
            for time, _, _ in predictor.propagate_in_video(session):
                kept = session["output_dict_per_obj"].values()
                found = [(out["cond_frame_outputs"] | out["non_cond_frame_outputs"])[time] for out in kept]
                yield torch.cat([answer["pred_masks"] for answer in found])[:, 0].float().cpu().numpy()

    return steps()


def without_semantics(
    config: ModelConfig, state: dict[str, torch.Tensor]
) -> tuple[ModelConfig, dict[str, torch.Tensor]]:
    """The same network as plain SAM 2.1: masks of `joint` ones change, for there other tokens attend to CLS."""
    plain = {name: tensor for name, tensor in state.items() if not name.startswith(SEMANTIC)}
    return replace(config, semantic="off", categories=()), plain


def transformers_model(config: ModelConfig, state: dict[str, torch.Tensor]) -> Any:
    """transformers' model of the same sizes with our weights.

    Raises:
        MissingExtraError: transformers is not installed.
        ConfigError: it cannot compute such a network.
    """
    try:
        from transformers import Sam2VideoModel
    except ImportError as error:
        raise missing_extra("--against transformers needs transformers", "text") from error
    model = Sam2VideoModel(transformers_config(config)).eval()
    theirs = model.state_dict()
    for name, tensor in theirs.items():
        if name == "prompt_encoder.point_embed.weight":
            rows = [state[f"sam_prompt_encoder.point_embeddings.{i}.weight"] for i in range(len(tensor))]
            theirs[name] = torch.cat(rows)
        elif name == "shared_image_embedding.positional_embedding":
            theirs[name] = state["sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"]
        else:
            theirs[name] = state[next(iter(to_official({name: tensor})))]
    model.load_state_dict(theirs)
    return model


def official_model(config: ModelConfig, state: dict[str, torch.Tensor], device: torch.device) -> Any:
    """The official video predictor of the same sizes with our weights, without filling holes in masks.

    Raises:
        MissingExtraError: the package is not installed.
        ConfigError: it has no such network.
    """
    if config.name not in _OFFICIAL:
        raise ConfigError(f"--against official has no network {config.name!r}; give one of {', '.join(_OFFICIAL)}")
    try:
        from sam2.build_sam import build_sam2_video_predictor
    except ImportError as error:
        raise MissingExtraError(
            f"--against official needs the package sam2 of github.com/facebookresearch/sam2 ({error})"
        ) from error
    grid = config.grid
    extra = "++model.sam_mask_decoder_extra_args.dynamic_multimask"
    changes = [
        f"++model.image_size={config.image_size}",
        f"++model.memory_attention.layer.self_attention.feat_sizes=[{grid},{grid}]",
        f"++model.memory_attention.layer.cross_attention.feat_sizes=[{grid},{grid}]",
        f"{extra}_via_stability=true",
        f"{extra}_stability_delta=0.05",
        f"{extra}_stability_thresh=0.98",
        "++model.binarize_mask_from_pts_for_mem_enc=true",
    ]
    file = f"configs/sam2.1/sam2.1_hiera_{_OFFICIAL[config.name]}.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predictor = build_sam2_video_predictor(
            file, None, device=str(device), hydra_overrides_extra=changes, apply_postprocessing=False
        )
    predictor.load_state_dict({name: state[name] for name in predictor.state_dict()})
    return predictor


def transformers_config(config: ModelConfig) -> Any:
    """Our sizes in the words of transformers.

    Raises:
        ConfigError: a block of the image encoder opens a stage and is global, for which transformers divides by zero.
    """
    opening = list(accumulate(config.stages))[:-1]
    if both := [block for block in opening if block in config.global_blocks]:
        raise ConfigError(
            f"--against transformers cannot run the network {config.name!r}: its image encoder opens a stage with the "
            f"global block {both[0]}, for which transformers divides by zero; give other --weights, such as random:tiny"
        )
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
