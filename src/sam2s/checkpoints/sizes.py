"""Reading the sizes of a network off its weights, or off a transformers config."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from sam2s.errors import CheckpointError, ConfigError
from sam2s.model.config import PRESETS, ModelConfig

TRUNK = "image_encoder.trunk."


def infer_config(state: dict[str, Tensor], path: Path) -> ModelConfig:
    """Find the preset that weights with official names belong to, and take every size that shapes show from them.

    Head counts, windows and global blocks leave no trace in the shapes, hence the preset.

    Raises:
        CheckpointError: no SAM 2.1 weights, or of a size that no preset has.
    """
    sizes = measure(state, path)
    key = (sizes["embed_dim"], sizes["stages"])
    for preset in PRESETS.values():
        if (preset.embed_dim, preset.stages) == key:
            return replace(preset, **sizes)
    known = "; ".join(f"{name} {p.embed_dim}, {p.stages}" for name, p in PRESETS.items())
    raise CheckpointError(
        f"{path} has a trunk of width {key[0]} with stages of {key[1]} blocks, which no known network has ({known}); "
        "convert it to our safetensors with its own ModelConfig by save_checkpoint"
    )


def transformers_config(state: dict[str, Tensor], config: dict[str, Any], path: Path) -> ModelConfig:
    """Make the config of a transformers model from its config.json and its (renamed) weights."""
    kind = config.get("model_type")
    if kind != "sam2_video":
        raise CheckpointError(f"{path} holds a transformers model of type {kind!r}, not 'sam2_video'")
    try:
        return _from_transformers(config, measure(state, path), path)
    except (AttributeError, TypeError, IndexError, ConfigError) as error:
        raise CheckpointError(f"the config.json of {path} is damaged ({error}); save the model again") from error


def _from_transformers(config: dict[str, Any], sizes: dict[str, Any], path: Path) -> ModelConfig:
    trunk = config.get("vision_config", {}).get("backbone_config", {})
    base = PRESETS["tiny"]  # transformers leaves out what equals its defaults, and these are the tiny network
    heads = trunk.get("num_attention_heads", base.num_heads)
    per_stage = trunk.get("num_attention_heads_per_stage") or [heads * 2**i for i in range(4)]
    if list(per_stage) != [per_stage[0] * 2**i for i in range(4)]:
        raise CheckpointError(f"{path}: attention heads {per_stage} do not double from stage to stage, as ours must")
    names = [name for name, p in PRESETS.items() if (p.embed_dim, p.stages) == (sizes["embed_dim"], sizes["stages"])]
    return replace(
        base,
        **sizes,
        name=names[0] if names else "custom",
        num_heads=per_stage[0],
        global_blocks=tuple(trunk.get("global_attention_blocks", base.global_blocks)),
        window_sizes=tuple(trunk.get("window_size_per_stage", base.window_sizes)),
        image_size=config.get("image_size", base.image_size),
        decoder_heads=config.get("mask_decoder_config", {}).get("num_attention_heads", base.decoder_heads),
        max_pointers=config.get("max_object_pointers_in_encoder", base.max_pointers),
    )


def measure(state: dict[str, Tensor], path: Path) -> dict[str, Any]:
    """Sizes that the shapes of weights with official names show, as fields of ModelConfig."""

    def side(name: str, axis: int) -> int:
        if name not in state or state[name].ndim <= axis:
            raise CheckpointError(
                f"{path} holds no SAM 2.1 weights: {name} is not there; its first tensors are "
                f"{', '.join(list(state)[:3])}"
            )
        return state[name].shape[axis]

    def count(prefix: str) -> int:
        return len({m[1] for name in state if (m := re.match(re.escape(prefix) + r"(\d+)\.", name))})

    embed_dim = side(TRUNK + "patch_embed.proj.weight", 0)
    return {
        "embed_dim": embed_dim,
        "stages": _stages(state, embed_dim),
        "pos_grid": side(TRUNK + "pos_embed", 2),
        "hidden_dim": side("no_mem_embed", 2),
        "mem_dim": side("maskmem_tpos_enc", 3),
        "num_maskmem": side("maskmem_tpos_enc", 0),
        "memory_layers": count("memory_attention.layers."),
        "memory_mlp": side("memory_attention.layers.0.linear1.weight", 0),
        "fuser_layers": count("memory_encoder.fuser.layers."),
        "decoder_depth": count("sam_mask_decoder.transformer.layers."),
        "decoder_mlp": side("sam_mask_decoder.transformer.layers.0.mlp.layers.0.weight", 0),
    }


def _stages(state: dict[str, Tensor], embed_dim: int) -> tuple[int, ...]:
    """Blocks of each stage, from the width of each block; a gap in the names does not shift the later stages."""
    last = [-1] * 4
    for name, tensor in state.items():
        found = re.match(re.escape(TRUNK) + r"blocks\.(\d+)\.norm2\.weight", name)
        width = tensor.shape[0] if found and tensor.ndim else 0
        stage = math.log2(width / embed_dim) if width and embed_dim else -1
        if found and stage in (0, 1, 2, 3):
            last[int(stage)] = max(last[int(stage)], int(found[1]))
    return tuple(end - before for end, before in zip(last, [-1, *last[:-1]], strict=True))
