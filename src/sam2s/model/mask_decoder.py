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
        """Tokens x [B, n, C] with code x_pe, image [B, h*w, C] with code image_pe [1, h*w, C] -> both, updated.

        Only the first `read` tokens serve as keys.
        """
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
    """Two-way blocks, then one more attention of the tokens to the image."""

    def __init__(self, dim: int, heads: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(dim, heads, hidden, first=i == 0) for i in range(depth))
        self.final_attn_token_to_image = Attention(dim, heads, inner_dim=dim // 2)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(self, x: Tensor, image: Tensor, image_pe: Tensor, read: int) -> tuple[Tensor, Tensor]:
        """Tokens x [B, n, C] and image [B, h*w, C] with position code [1, h*w, C] -> both, updated.

        Only the first `read` tokens serve as keys. The tokens' own values are their position code.
        """
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
        height, width = embedding.shape[-2:]
        queries, read = self._queries(sparse, cls)
        queries, image = self.transformer(queries, tokens(embedding + dense), tokens(positions), read)
        presence, quality, masks = queries[:, 0], queries[:, 1], queries[:, 2 : 2 + MASKS]
        return Decoded(
            logits=self._mask_logits(masks, self._pixel_features(to_map(image, height, width), high_res)),
            ious=self.iou_prediction_head(quality),
            tokens=masks,
            object_logit=self.pred_obj_score_head(presence),
            cls=None if cls is None else queries[:, -1],
        )

    def _queries(self, sparse: Tensor, cls: Tensor | None) -> tuple[Tensor, int]:
        """Decoder tokens [B, 2 + MASKS + P (+ 1), C]: presence, quality, masks, prompts, CLS; and how many are keys."""
        learned = torch.cat((self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight))
        queries = torch.cat((learned.expand(sparse.shape[0], -1, -1), sparse), dim=1)
        if cls is None:
            return queries, queries.shape[1]
        return torch.cat((queries, cls), dim=1), queries.shape[1] + self.cls_is_read

    def _pixel_features(self, image: Tensor, high_res: tuple[Tensor, Tensor]) -> Tensor:
        """Image map [B, C, h, w] -> features [B, C/8, 4h, 4w], the encoder's finer maps added while it is enlarged."""
        stride4, stride8 = high_res
        enlarge_to_8, norm, activation_8, enlarge_to_4, activation_4 = self.output_upscaling
        at_8 = activation_8(norm(enlarge_to_8(image) + stride8))
        pixels: Tensor = activation_4(enlarge_to_4(at_8) + stride4)
        return pixels

    def _mask_logits(self, mask_tokens: Tensor, pixels: Tensor) -> Tensor:
        """Each token [B, MASKS, C] becomes a linear classifier of the pixels [B, C/8, H, W] -> [B, MASKS, H, W]."""
        pairs = zip(self.output_hypernetworks_mlps, mask_tokens.unbind(1), strict=True)
        classifiers = torch.stack([network(token) for network, token in pairs], dim=1)
        return torch.einsum("bmc,bchw->bmhw", classifiers, pixels)
