"""Tensor names of transformers' `Sam2VideoModel`, turned into those of the official SAM 2.1 checkpoints."""

from __future__ import annotations

import re

from torch import Tensor

_THREE_LAYERS = r"((?:output_hypernetworks_mlps\.\d+|iou_prediction_head|pred_obj_score_head|object_pointer_proj)\.)"
_TWO_LAYERS = r"((?:backbone\.blocks|transformer\.layers)\.\d+\.mlp\.)"

# Applied in order; what an earlier rule wrote is not touched by a later one.
_RULES: tuple[tuple[str, str], ...] = (
    (_THREE_LAYERS + r"layers\.0\.", r"\1layers.1."),
    (_THREE_LAYERS + r"proj_in\.", r"\1layers.0."),
    (_THREE_LAYERS + r"proj_out\.", r"\1layers.2."),
    (_TWO_LAYERS + r"proj_in\.", r"\1layers.0."),
    (_TWO_LAYERS + r"proj_out\.", r"\1layers.1."),
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
    (r"patch_embed\.projection\.", "patch_embed.proj."),
    (
        r"^prompt_encoder\.shared_embedding\.positional_embedding$",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"mask_embed\.conv1\.", "mask_downscaling.0."),
    (r"mask_embed\.layer_norm1\.", "mask_downscaling.1."),
    (r"mask_embed\.conv2\.", "mask_downscaling.3."),
    (r"mask_embed\.layer_norm2\.", "mask_downscaling.4."),
    (r"mask_embed\.conv3\.", "mask_downscaling.6."),
    (r"upscale_conv1\.", "output_upscaling.0."),
    (r"upscale_layer_norm\.", "output_upscaling.1."),
    (r"upscale_conv2\.", "output_upscaling.3."),
    (r"mask_downsampler\.final_conv\.", "mask_downsampler.encoder.12."),
    (r"layer_norm_final_attn\.", "norm_final_attn."),
    (r"(memory_fuser\.layers\.\d+\.|memory_attention\.)layer_norm\.", r"\1norm."),
    (r"\.layer_norm(\d)\.", r".norm\1."),
    (r"\.o_proj\.", ".out_proj."),
    (r"^memory_encoder\.projection\.", "memory_encoder.out_proj."),
    (r"feature_projection\.", "pix_feat_proj."),
    (r"memory_fuser\.", "fuser."),
    (r"depthwise_conv\.", "dwconv."),
    (r"pointwise_conv(\d)\.", r"pwconv\1."),
    (r"(fuser\.layers\.\d+\.)scale$", r"\1gamma"),
    (r"^(prompt_encoder|mask_decoder)\.", r"sam_\1."),
    (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"),
    (r"^no_memory_embedding$", "no_mem_embed"),
    (r"^no_memory_positional_encoding$", "no_mem_pos_enc"),
    (r"^no_object_pointer$", "no_obj_ptr"),
    (r"^occlusion_spatial_embedding_parameter$", "no_obj_embed_spatial"),
    (r"^object_pointer_proj\.", "obj_ptr_proj."),
    (r"^temporal_positional_encoding_projection_layer\.", "obj_ptr_tpos_proj."),
)


def is_transformers(state: dict[str, Tensor]) -> bool:
    """Whether the names are those of transformers."""
    return any(name.startswith("vision_encoder.") for name in state)


def official_name(name: str) -> str:
    """Turn one transformers name into the official one; names that no rule knows stay as they are.

    >>> official_name("vision_encoder.backbone.blocks.3.layer_norm1.weight")
    'image_encoder.trunk.blocks.3.norm1.weight'
    """
    stage = re.match(r"(memory_encoder\.mask_downsampler\.)layers\.(\d+)\.(conv|layer_norm)\.(.*)", name)
    if stage:  # each stage is a convolution, a norm and an activation in the official numbering
        return f"{stage[1]}encoder.{3 * int(stage[2]) + (stage[3] == 'layer_norm')}.{stage[4]}"
    for pattern, replacement in _RULES:
        name = re.sub(pattern, replacement, name)
    return name


def to_official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename a whole state dict; split what transformers joins and drop what it stores twice."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name == "prompt_encoder.point_embed.weight":
            for i, row in enumerate(tensor.split(1)):
                renamed[f"sam_prompt_encoder.point_embeddings.{i}.weight"] = row
        elif name != "shared_image_embedding.positional_embedding":
            renamed[official_name(name)] = tensor
    return renamed
