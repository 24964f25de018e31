"""The parts of a network that are exported: which function of it, from which tensors to which.

Shapes are written with letters. B objects (images for the image encoder), M memory maps, R object pointers and P points
vary from call to call. Fixed are C channels, D channels of a memory map, E and G channels of the features of stride 4
and 8, the side h of the embedding, the side S of the image and K categories. Numbers in front multiply: 4h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sam2s.model import SAM2S, ImageFeatures, ModelConfig
from sam2s.model.prompt_encoder import Prompt

VARIABLE = {"B": 2, "M": 3, "R": 5, "P": 4}
"""Dimensions that vary, with the size they have in the example that is traced."""
INTEGERS, BOOLEANS = ("slots", "labels"), ("has_mask",)
LARGE = ("image_encoder", "memory_attention", "mask_decoder", "memory_encoder")
"""Parts that hold nearly all weights and take nearly all time: the ones worth a smaller precision."""

Outputs = tuple[Tensor | None, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One graph.

    Attributes:
        name: of the file.
        compute: what it does; results that are None, because the network has no semantics, are left out.
        inputs: shapes by name, as the module describes.
        outputs: the same of the results.
    """

    name: str
    compute: Callable[..., Outputs]
    inputs: dict[str, str]
    outputs: dict[str, str]

    def example(self, config: ModelConfig) -> dict[str, Tensor]:
        """Inputs of the right shapes, to trace the part with."""
        return {name: _example(name, sizes(shape, config)) for name, shape in self.inputs.items()}


def sizes(shape: str, config: ModelConfig) -> tuple[int, ...]:
    """Turn a shape in letters into numbers, those of the example where it varies."""
    fixed = {"C": config.hidden_dim, "D": config.mem_dim, "h": config.grid, "S": config.image_size}
    letters = VARIABLE | fixed | {"E": config.hidden_dim // 8, "G": config.hidden_dim // 4}
    return tuple(
        int(token) if token.isdigit() else int(token[:-1] or 1) * letters[token[-1]] for token in shape.split()
    )


def _example(name: str, shape: tuple[int, ...]) -> Tensor:
    kind = torch.int64 if name in INTEGERS else torch.bool if name in BOOLEANS else torch.float32
    return torch.ones(shape, dtype=kind)


def _encode_image(net: SAM2S, images: Tensor) -> Outputs:
    features = net.encode_image(images)
    return features.embedding, *features.high_res


def _encode_prompt(net: SAM2S, coords: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor) -> Outputs:
    without, given = net.sam_prompt_encoder(coords, labels), net.sam_prompt_encoder(coords, labels, mask)
    return without.sparse, torch.where(has_mask[:, None, None, None], given.dense, without.dense)


def _decode(
    net: SAM2S, embedding: Tensor, s4: Tensor, s8: Tensor, sparse: Tensor, dense: Tensor, cls: Tensor | None = None
) -> Outputs:
    found = net.decode(embedding, ImageFeatures(embedding, (s4, s8)), Prompt(sparse, dense), cls)
    return found.logits, found.ious, found.tokens, found.object_logit, found.cls


def _encode_memory(net: SAM2S, embedding: Tensor, logits: Tensor, object_logit: Tensor) -> Outputs:
    return (net.encode_memory(embedding, logits, object_logit, binarize=False),)


def parts(config: ModelConfig) -> list[Part]:
    """All graphs of a network."""
    semantic = config.semantic != "off"
    pyramid = {"s4": "1 E 4h 4h", "s8": "1 G 2h 2h"}
    token, read = ({"cls": "B 1 C"}, {"semantic": "B C"}) if semantic else ({}, {})
    found = [
        Part(
            "image_encoder",
            _encode_image,
            {"images": "B 3 S S"},
            {"embedding": "B C h h", "s4": "B E 4h 4h", "s8": "B G 2h 2h"},
        ),
        Part(
            "memory_attention",
            SAM2S.attend_slots,
            {"embedding": "1 C h h", "maps": "B M D h h", "slots": "M", "pointers": "B R C", "distances": "R"},
            {"conditioned": "B C h h", **token},
        ),
        Part(
            "prompt_encoder",
            _encode_prompt,
            {"coords": "B P 2", "labels": "B P", "mask": "B 1 4h 4h", "has_mask": "B"},
            {"sparse": "B P C", "dense": "B C h h"},
        ),
        Part(
            "mask_decoder",
            _decode,
            {"embedding": "B C h h", **pyramid, "sparse": "B P C", "dense": "B C h h", **token},
            {"logits": "B 4 4h 4h", "ious": "B 4", "tokens": "B 4 C", "object_logit": "B 1", **read},
        ),
        Part(
            "memory_encoder",
            _encode_memory,
            {"embedding": "1 C h h", "logits": "B 1 S S", "object_logit": "B 1"},
            {"maps": "B D h h"},
        ),
        Part("object_pointer", lambda net, x: (net.obj_ptr_proj(x),), {"tokens": "B C"}, {"pointers": "B C"}),
        Part("mask_reducer", lambda net, x: (net.mask_downsample(x),), {"mask": "B 1 S S"}, {"reduced": "B 1 4h 4h"}),
    ]
    if semantic:
        found.append(Part("semantics", lambda net, x: (net.semantic_logits(x),), {"cls": "B C"}, {"categories": "B K"}))
    return found
