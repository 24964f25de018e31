"""The whole network: SAM 2.1 with the additions of SAM2S. Tensors in, tensors out; nothing is remembered between calls.

Legend: B objects (or images), C hidden_dim, S image_size, h = w = S / 16, M memory maps, R object pointers.
Parameter names are those of the SAM 2.1 checkpoints, so that these load without renaming.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from .config import ModelConfig
from .image_encoder import ImageEncoder, ImageFeatures, Neck
from .layers import MLP, to_map, tokens
from .mask_decoder import Decoded, MaskDecoder
from .memory_attention import LONG_TERM_SLOT, Memory, MemoryAttention
from .memory_encoder import MemoryEncoder
from .positions import sine_map, sine_time
from .prompt_encoder import NOT_A_POINT, Prompt, PromptEncoder
from .semantics import category_logits
from .trunk import Hiera

MASK_SCALE, MASK_BIAS = 20.0, -10.0
"""Masks enter the memory encoder as scale * probability + bias."""


class SAM2S(nn.Module):
    """SAM 2.1 plus the long-term temporal embedding, CLS token and text bank of SAM2S (arXiv 2511.16618)."""

    memory_positions: Tensor
    image_positions: Tensor
    text_bank: Tensor

    def __init__(self, config: ModelConfig, *, drop_path: float = 0.0, dropout: float = 0.0) -> None:
        super().__init__()
        c, dim, mem = config, config.hidden_dim, config.mem_dim
        self.config = config
        trunk = Hiera(
            embed_dim=c.embed_dim,
            num_heads=c.num_heads,
            stages=c.stages,
            global_blocks=c.global_blocks,
            window_sizes=c.window_sizes,
            pos_grid=c.pos_grid,
            drop_path=drop_path,
        )
        self.image_encoder = ImageEncoder(trunk, Neck(c.stage_dims, dim))
        joint = c.semantic == "joint"
        self.memory_attention = MemoryAttention(
            dim=dim,
            mem_dim=mem,
            layers=c.memory_layers,
            hidden=c.memory_mlp,
            grid=c.grid,
            cls_is_read=joint,
            dropout=dropout,
        )
        self.memory_encoder = MemoryEncoder(dim=dim, mem_dim=mem, fuser_layers=c.fuser_layers)
        self.sam_prompt_encoder = PromptEncoder(dim=dim, image_size=c.image_size, grid=c.grid)
        self.sam_mask_decoder = MaskDecoder(
            dim=dim, heads=c.decoder_heads, hidden=c.decoder_mlp, depth=c.decoder_depth, cls_is_read=joint
        )
        self.obj_ptr_proj = MLP((dim, dim, dim, dim))
        self.obj_ptr_tpos_proj = nn.Linear(dim, mem)
        self.mask_downsample = nn.Conv2d(1, 1, 4, stride=4)
        self.maskmem_tpos_enc = nn.Parameter(torch.randn(c.num_maskmem, 1, 1, mem) * 0.02)
        self.no_mem_embed = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.no_mem_pos_enc = nn.Parameter(torch.randn(1, 1, dim) * 0.02)  # unused; official checkpoints carry it
        self.no_obj_ptr = nn.Parameter(torch.randn(1, dim) * 0.02)
        self.no_obj_embed_spatial = nn.Parameter(torch.randn(1, mem) * 0.02)
        # The additions of SAM2S.
        self.long_term_tpos_enc = nn.Parameter(self.maskmem_tpos_enc.detach()[-1:].clone())
        if c.semantic != "off":
            self.cls_token = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
            self.semantic_proj = MLP((dim, dim, c.text_dim))
            if c.text_encoder:
                self.register_buffer("text_bank", torch.zeros(len(c.categories), c.text_dim))
            else:
                self.text_bank = nn.Parameter(torch.randn(len(c.categories), c.text_dim))
        self.register_buffer("memory_positions", sine_map(mem, c.grid, c.grid), persistent=False)
        self.register_buffer("image_positions", sine_map(dim, c.grid, c.grid), persistent=False)

    @property
    def image_size(self) -> int:
        """Side S of the square model image, pixels."""
        return self.config.image_size

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.no_mem_embed.device

    @property
    def dtype(self) -> torch.dtype:
        """Floating type of the weights, and of everything the network computes."""
        return self.no_mem_embed.dtype

    def encode_image(self, images: Tensor) -> ImageFeatures:
        """Normalised images [B, 3, S, S] -> features."""
        s4, s8, s16 = self.image_encoder(images.to(self.dtype))
        decoder = self.sam_mask_decoder
        return ImageFeatures(s16, (decoder.conv_s0(s4), decoder.conv_s1(s8)))

    def without_memory(self, embedding: Tensor) -> Tensor:
        """Embedding [B, C, h, w] for a frame that is prompted before anything is remembered."""
        return embedding + self.no_mem_embed.view(1, -1, 1, 1)

    def first_cls(self, batch: int) -> Tensor | None:
        """The CLS token [B, 1, C] of frames that bypass memory attention; None without semantics."""
        return None if self.config.semantic == "off" else self.cls_token.expand(batch, -1, -1)

    def attend(self, embedding: Tensor, memory: Memory) -> tuple[Tensor, Tensor | None]:
        """Condition the embedding [B or 1, C, h, w] on what B objects remember.

        Returns:
            the conditioned embedding [B, C, h, w] and the CLS token [B, 1, C] that has read the memory (or None).
        """
        last = len(self.maskmem_tpos_enc)
        order = [last if slot == LONG_TERM_SLOT else slot for slot in memory.slots]
        slots = torch.tensor(order, device=self.device)
        return self.attend_slots(embedding, memory.maps, slots, memory.pointers, memory.distances)

    def attend_slots(
        self,
        embedding: Tensor,
        maps: Tensor,
        slots: Tensor,
        pointers: Tensor,
        distances: Tensor,
        read: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """What `attend` does, on tensors alone.

        Args:
            embedding, maps, pointers, distances: as in `Memory`.
            slots: [M] or [B, M] rows of the temporal codes, long-term memory the last.
            read: which maps [B, M] and which pointers [B, R] are memory and not padding, bool; None if all are.
        """
        height, width = embedding.shape[-2:]
        keys, values = self._memory_tokens(maps, slots, pointers, distances)
        x, cls = self.memory_attention(
            tokens(embedding + 0.1 * self.image_positions),
            keys,
            values,
            maps=maps.shape[1],
            cls=self.first_cls(1),
            read=None if read is None else self._read_tokens(*read, height * width),
        )
        return to_map(x, height, width), cls

    def _read_tokens(self, maps: Tensor, pointers: Tensor, area: int) -> Tensor:
        """Which of the memory tokens count, bool [B, M*h*w + R*C/mem_dim]."""
        split = self.config.hidden_dim // self.config.mem_dim
        return torch.cat((maps.repeat_interleave(area, 1), pointers.repeat_interleave(split, 1)), 1)

    def _memory_tokens(self, maps: Tensor, slots: Tensor, pointers: Tensor, distances: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [B, M*h*w + R*C/mem_dim, mem_dim]; only the keys carry position codes."""
        codes = torch.cat((self.maskmem_tpos_enc, self.long_term_tpos_enc))[:, 0, 0]
        values = maps.to(self.dtype).flatten(3).transpose(2, 3)
        keys = values + tokens(self.memory_positions) + codes[slots].unsqueeze(-2)
        keys, values = keys.flatten(1, 2), values.flatten(1, 2)
        pointers = pointers.to(self.dtype)
        if pointers.shape[1]:
            split = pointers.shape[2] // values.shape[2]
            pointers = pointers.unflatten(2, (split, -1)).flatten(1, 2)
            code = self.obj_ptr_tpos_proj(sine_time(distances, self.config.hidden_dim).to(self.dtype))
            keys = torch.cat((keys, pointers + code.repeat_interleave(split, -2)), dim=1)
            values = torch.cat((values, pointers), dim=1)
        return keys, values

    def encode_prompt(
        self, batch: int, points: tuple[Tensor, Tensor] | None = None, mask_logits: Tensor | None = None
    ) -> Prompt:
        """Encode the prompts of B objects.

        Args:
            batch: B; all objects have the same number of points.
            points: coordinates [B, P, 2], (x, y) pixels of the model image, and labels [B, P] (0 negative, 1 positive,
                2 and 3 the top-left and bottom-right corners of a box, -1 none); None on a tracked frame.
            mask_logits: [B, 1, 4h, 4w] or None.
        """
        if points is None:
            coords = torch.zeros(batch, 1, 2, device=self.device)
            labels = torch.full((batch, 1), NOT_A_POINT, device=self.device)
        else:
            coords, labels = points
        return self.sam_prompt_encoder(coords, labels, None if mask_logits is None else mask_logits.to(self.dtype))

    def decode(self, embedding: Tensor, features: ImageFeatures, prompt: Prompt, cls: Tensor | None = None) -> Decoded:
        """Read masks off a conditioned embedding [B, C, h, w]; features of batch B, or 1 shared by all objects."""
        positions = self.sam_prompt_encoder.dense_positions()
        return self.sam_mask_decoder(embedding, positions, features.high_res, prompt.sparse, prompt.dense, cls)

    def encode_memory(self, embedding: Tensor, logits: Tensor, object_logit: Tensor, *, binarize: bool) -> Tensor:
        """Make the map [B, mem_dim, h, w] that objects remember of a frame.

        Args:
            embedding: raw image embedding [B or 1, C, h, w].
            logits: mask logits [B, 1, S, S].
            object_logit: [B, 1]; where it is not positive the map is marked as "no object".
            binarize: threshold the mask (frames with a prompt) instead of taking its probability.
        """
        mask = (logits > 0).to(self.dtype) if binarize else torch.sigmoid(logits).to(self.dtype)
        maps = self.memory_encoder(embedding, mask * MASK_SCALE + MASK_BIAS)
        absent = (object_logit <= 0).to(self.dtype)
        return maps + (absent * self.no_obj_embed_spatial)[:, :, None, None]

    def semantic_logits(self, cls: Tensor) -> Tensor:
        """CLS tokens [B, C] -> float32 logits over the text bank [B, K]; see `category_logits`."""
        return category_logits(self.semantic_proj(cls), self.text_bank)

    def digest(self) -> str:
        """SHA-256 of the sizes and of all weights as they are held; two tenths of a second for base-plus."""
        found = hashlib.sha256(repr(self.config).encode())
        for name, tensor in self.state_dict().items():
            found.update(name.encode())
            found.update(tensor.cpu().flatten().view(torch.uint8).numpy())
        return found.hexdigest()


def build(config: ModelConfig, *, drop_path: float = 0.0, dropout: float = 0.0) -> SAM2S:
    """Make a network with random weights, in evaluation mode.

    Args:
        config: its sizes.
        drop_path: stochastic depth of the last trunk block while training (SAM 2.1 fine-tunes base-plus with 0.1).
        dropout: dropout of the memory attention while training (SAM 2.1: 0.1).
    """
    return SAM2S(config, drop_path=drop_path, dropout=dropout).eval()
