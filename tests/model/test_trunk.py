"""The image trunk: windows, padding and position codes."""

import torch

from model_tools import nano
from sam2s.model import build, preset
from sam2s.model.trunk import Hiera


def test_base_plus_windows_follow_the_stage_before():
    with torch.device("meta"):
        blocks = build(preset("base-plus", image_size=512)).image_encoder.trunk.blocks
    windows = [block.attn.window for block in blocks]
    assert windows == [8] * 3 + [4] * 3 + [14] * 6 + [0] + [14] * 3 + [0] + [14] * 3 + [0] + [14] + [7] * 2


def test_padding_of_windows_takes_part_as_bias_only_tokens():
    """The trunk projects real tokens only; the result equals zero-padding before the projection."""
    block = nano().image_encoder.trunk.blocks[1]
    attention = block.attn
    x = torch.randn(1, 10, 10, 16, generator=torch.Generator().manual_seed(0))
    padded = torch.zeros(1, 16, 16, 16)
    padded[:, :10, :10] = x
    assert attention.window == 8
    torch.testing.assert_close(attention(x), attention(padded)[:, :5, :5], atol=1e-6, rtol=1e-5)


def test_position_code_follows_its_weights():
    c = preset("micro")
    trunk = Hiera(
        embed_dim=8, num_heads=1, stages=c.stages, global_blocks=(), window_sizes=c.window_sizes, pos_grid=c.pos_grid
    )
    codes = []
    with torch.no_grad():
        for _ in range(2):
            trunk.pos_embed += 1
            codes.append(trunk.position_code(16, 16))
            assert trunk.position_code(16, 16) is codes[-1]
    torch.testing.assert_close(codes[1], codes[0] + 1)
    assert trunk.position_code(16, 16).requires_grad
