"""Mask decoder: tokens and image attend to each other, then tokens read masks, scores and pointers off the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .attention import Attention
from .layers import MLP, LayerNorm2d, to_map, tokens

MASKS = 4
"""Mask 0 is the single answer to an unambiguous prompt, masks 1 to 3 the answers to an ambiguous one."""


class TwoWayBlock(nn.Module):
    """Tokens attend to themselves and to the image, then the image attends to the tokens."""

    def __init__(self, dim: int, heads: int, hidden: int, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(dim, heads)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, heads, inner_dim=dim // 2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP((dim, hidden, dim))
        self.norm3 = nn.LayerNorm(dim)
        self.norm4 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, heads, inner_dim=dim // 2)

    def forward(self, x: Tensor, image: Tensor, x_pe: Tensor, image_pe: Tensor, read: int) -> tuple[Tensor, Tensor]:
        """x [B, n, C] tokens, image [B, h*w, C]; only the first `read` tokens serve as keys."""
        if self.first:
            x = self.self_attn(x, x[:, :read], x[:, :read])
        else:
            q = x + x_pe
            x = x + self.self_attn(q, q[:, :read], x[:, :read])
        x = self.norm1(x)
        x = self.norm2(x + self.cross_attn_token_to_image(x + x_pe, image + image_pe, image))
        x = self.norm3(x + self.mlp(x))
        keys = (x + x_pe)[:, :read]
        image = self.norm4(image + self.cross_attn_image_to_token(image + image_pe, keys, x[:, :read]))
        return x, image


class TwoWayTransformer(nn.Module):
    """A few two-way blocks and a last look of the tokens at the image."""

    def __init__(self, dim: int, heads: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(dim, heads, hidden, first=i == 0) for i in range(depth))
        self.final_attn_token_to_image = Attention(dim, heads, inner_dim=dim // 2)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(self, x: Tensor, image: Tensor, image_pe: Tensor, read: int) -> tuple[Tensor, Tensor]:
        x_pe = x
        for layer in self.layers:
            x, image = layer(x, image, x_pe, image_pe, read)
        x = x + self.final_attn_token_to_image(x + x_pe, image + image_pe, image)
        return self.norm_final_attn(x), image


@dataclass(frozen=True, slots=True)
class Decoded:
    """Raw output of the mask decoder for B objects.

    Attributes:
        logits: [B, 4, 4h, 4w] mask logits; see MASKS.
        ious: [B, 4] predicted IoU of each mask.
        tokens: [B, 4, C] mask tokens, from which object pointers are made.
        object_logit: [B, 1], > 0 where the object is visible.
        cls: [B, C] the CLS token after reading the image, or None.
    """

    logits: Tensor
    ious: Tensor
    tokens: Tensor
    object_logit: Tensor
    cls: Tensor | None


class MaskDecoder(nn.Module):
    """Reads four candidate masks with their quality, and the object's presence, off a (conditioned) image embedding."""

    def __init__(self, *, dim: int, heads: int, hidden: int, depth: int, cls_is_read: bool) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(dim, heads, hidden, depth)
        self.obj_score_token = nn.Embedding(1, dim)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(MASKS, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, stride=2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, stride=2),
            nn.GELU(),
        )
        self.conv_s0 = nn.Conv2d(dim, dim // 8, 1)
        self.conv_s1 = nn.Conv2d(dim, dim // 4, 1)
        self.output_hypernetworks_mlps = nn.ModuleList(MLP((dim, dim, dim, dim // 8)) for _ in range(MASKS))
        self.iou_prediction_head = MLP((dim, dim, dim, MASKS), sigmoid=True)
        self.pred_obj_score_head = MLP((dim, dim, dim, 1))
        self.cls_is_read = cls_is_read

    def forward(
        self,
        embedding: Tensor,
        positions: Tensor,
        high_res: tuple[Tensor, Tensor],
        sparse: Tensor,
        dense: Tensor,
        cls: Tensor | None = None,
    ) -> Decoded:
        """Decode masks.

        Args:
            embedding: [B, C, h, w], conditioned on memory or not.
            positions: [1, C, h, w] dense position code.
            high_res: projected features of strides 4 and 8, batch B or 1.
            sparse: [B, P, C] prompt tokens.
            dense: [B or 1, C, h or 1, w or 1] mask prompt.
            cls: [B, 1, C] token appended after the others, or None.
        """
        batch, _, height, width = embedding.shape
        own = torch.cat((self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight))
        x = torch.cat((own.expand(batch, -1, -1), sparse), dim=1)
        read = x.shape[1]
        if cls is not None:
            x = torch.cat((x, cls), dim=1)
            read += self.cls_is_read
        x, image = self.transformer(x, tokens(embedding + dense), tokens(positions), read)

        up1, norm, act1, up2, act2 = self.output_upscaling
        s4, s8 = high_res
        pixels = act1(norm(up1(to_map(image, height, width)) + s8))
        pixels = act2(up2(pixels) + s4)

        answers = x[:, 2 : 2 + MASKS]
        weights = torch.stack([mlp(answers[:, i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1)
        logits = (weights @ pixels.flatten(2)).unflatten(2, pixels.shape[-2:])
        return Decoded(
            logits,
            self.iou_prediction_head(x[:, 1]),
            answers,
            self.pred_obj_score_head(x[:, 0]),
            None if cls is None else x[:, -1],
        )
