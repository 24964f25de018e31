"""Starting weights for training from nothing, with attention that already matches like with like.

From plain random weights the cross-attentions first have to discover that a query should meet keys of the same
appearance, which takes most of a short training. Here the key projections start as what makes that true.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from sam2s.model import SAM2S
from sam2s.model.mask_decoder import TwoWayBlock
from sam2s.model.memory_attention import MemoryAttentionLayer
from sam2s.model.memory_encoder import ConvNeXtBlock


@torch.no_grad()
def matching_weights(model: SAM2S, *, presence: float = 2.0) -> None:
    """Initialise a network in place for training from scratch.

    Args:
        model: the network; all weights are redrawn.
        presence: starting logit of the object score, so that objects count as visible until the head has learned.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=min(0.05, module.in_features**-0.5))
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_uniform_(module.weight, a=5**0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    trunk = model.image_encoder.trunk
    # Places must be legible from the start: a box is understood by where things are, not by what they look like.
    nn.init.trunc_normal_(trunk.pos_embed, std=0.3)
    nn.init.trunc_normal_(trunk.pos_embed_window, std=0.02)
    for block in cast(list[ConvNeXtBlock], model.memory_encoder.fuser.layers):
        block.gamma.fill_(0.1)

    # Small enough that a click's place, not its kind, decides what it attends to.
    prompts = model.sam_prompt_encoder
    kinds = cast(list[nn.Embedding], [*prompts.point_embeddings, prompts.not_a_point_embed, prompts.no_mask_embed])
    for embedding in kinds:
        nn.init.normal_(embedding.weight, std=0.05)

    # Half the usual frequencies: a point is then felt over about a sixth of the image, several cells of a small grid.
    nn.init.normal_(prompts.pe_layer.positional_encoding_gaussian_matrix, std=0.5)

    decoder = model.sam_mask_decoder.transformer
    crosses = [decoder.final_attn_token_to_image]
    for two_way in cast(list[TwoWayBlock], decoder.layers):
        crosses += [two_way.cross_attn_token_to_image, two_way.cross_attn_image_to_token]
    for attention in crosses:
        nn.init.orthogonal_(attention.q_proj.weight)
        attention.k_proj.weight.copy_(attention.q_proj.weight)

    out, pixel = model.memory_encoder.out_proj.weight[:, :, 0, 0], model.memory_encoder.pix_feat_proj
    nn.init.orthogonal_(out)
    pixel.weight.copy_(torch.eye(pixel.weight.shape[0])[..., None, None])
    for layer in cast(list[MemoryAttentionLayer], model.memory_attention.layers):
        attention = layer.cross_attn_image
        nn.init.orthogonal_(attention.q_proj.weight)
        attention.k_proj.weight.copy_(attention.q_proj.weight @ out.T)

    cast(nn.Linear, model.sam_mask_decoder.pred_obj_score_head.layers[-1]).bias.fill_(presence)
