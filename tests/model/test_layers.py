"""What is done otherwise for speed is the same in value."""

import pytest
import torch
import torch.nn.functional as F

from sam2s.model.layers import Linear, _onednn


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
