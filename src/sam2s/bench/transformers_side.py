"""The film tracked by transformers' `Sam2VideoModel` with our weights; a side as in `sam2s_side`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2s.bench.film import clicks, film
from sam2s.checkpoints import load_checkpoint
from sam2s.checkpoints.transformers_names import to_official
from sam2s.errors import ConfigError, missing_extra
from sam2s.model import ModelConfig
from sam2s.tracking.preprocess import normalise, resize


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
