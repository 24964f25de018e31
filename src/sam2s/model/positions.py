"""Fixed position codes: sine tables for maps and for time, and rotary angles."""

from __future__ import annotations

import math

import torch
from torch import Tensor

TEMPERATURE = 10000.0


def sine_map(channels: int, height: int, width: int) -> Tensor:
    """Sine position code of a map, [1, channels, height, width]: first half of the channels for y, second for x.

    Positions run from 1 to N and are scaled to (0, 2 pi]; sine and cosine alternate within a half.
    """

    def axis(length: int) -> Tensor:
        half = channels // 2
        position = torch.arange(1, length + 1, dtype=torch.float32) / (length + 1e-6) * (2 * math.pi)
        pair = torch.arange(half, dtype=torch.float32).div(2, rounding_mode="floor")
        angle = position[:, None] / TEMPERATURE ** (2 * pair / half)
        return torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=2).flatten(1)

    y = axis(height)[:, None].expand(-1, width, -1)
    x = axis(width)[None].expand(height, -1, -1)
    return torch.cat((y, x), dim=2).permute(2, 0, 1)[None].contiguous()


def sine_time(distance: Tensor, channels: int) -> Tensor:
    """Sine code of temporal distances [..., R] -> [..., R, channels]: all sines, then all cosines."""
    half = channels // 2
    pair = torch.arange(half, dtype=torch.float32, device=distance.device).div(2, rounding_mode="floor")
    angle = distance.float()[..., None] / TEMPERATURE ** (2 * pair / half)
    return torch.cat((angle.sin(), angle.cos()), dim=-1)


def rotary_tables(channels: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the axial rotary code, each [height*width, channels/2].

    Token y * width + x stands at column x and row y, in whole tokens, whatever the size of the grid. Adjacent channels
    form a pair; of the channels/2 pairs the first half turns with x and the second half with y, pair j of an axis by
    `TEMPERATURE ** (-4 j / channels)` radians a token (SAM 2.1, memory attention).
    """
    pair = torch.arange(channels // 4, dtype=torch.float32)
    speed = 1.0 / TEMPERATURE ** (4 * pair / channels)
    column = torch.arange(width, dtype=torch.float32)[:, None] * speed
    row = torch.arange(height, dtype=torch.float32)[:, None] * speed
    angle = torch.cat((column.repeat(height, 1), row.repeat_interleave(width, dim=0)), dim=1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn adjacent channel pairs of x [..., n, C] by the angles of the tables [n, C/2].

    On a processor as one product of complex numbers, the same to the bit and over ten times as fast; compilers and
    exporters are shown real arithmetic.
    """
    real = torch.compiler.is_compiling() or torch.jit.is_tracing()
    if x.device.type == "cpu" and x.dtype == torch.float32 and not real:
        return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * torch.complex(cos, sin)).flatten(-2)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)
