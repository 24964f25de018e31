"""What is done otherwise for speed is the same in value."""

import pytest
import torch
import torch.nn.functional as F

from sam2s.model import preset
from sam2s.model.layers import Linear, _onednn
from sam2s.model.positions import rotary_tables, rotate
from sam2s.model.trunk import Hiera


@pytest.mark.parametrize("activation", ["none", "relu", "gelu"])
@pytest.mark.parametrize("rows", [1, 100])
def test_a_fused_layer_equals_its_parts(activation, rows):
    layer, x = Linear(24, 48), torch.randn(2, rows, 3, 24).transpose(1, 2)
    after = {"none": lambda y: y, "relu": F.relu, "gelu": F.gelu}[activation]
    expected = after(F.linear(x, layer.weight, layer.bias))
    with torch.inference_mode():
        torch.testing.assert_close(layer(x, activation), expected, atol=1e-6, rtol=1e-5)
    layer(x, activation).sum().backward()
    assert layer.weight.grad is not None


def test_looking_for_the_fused_layer_draws_no_number():
    before = torch.get_rng_state()
    assert isinstance(_onednn.__wrapped__(), bool)
    assert torch.equal(torch.get_rng_state(), before)


def test_complex_rotation_is_the_real_one_to_the_bit():
    cos, sin = rotary_tables(32, 4, 4)
    x = torch.randn(2, 3, 16, 32)
    even, odd = x[..., 0::2], x[..., 1::2]
    real = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)
    assert torch.equal(rotate(x, cos, sin), real)


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
