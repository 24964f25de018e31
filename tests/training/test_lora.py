"""Low-rank adapters: what they add, what of them learns, and how they fold into plain weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from model_tools import nano
from sam2s.model import build
from sam2s.training.freeze import Learning, freeze
from sam2s.training.lora import LowRank, add_adapters, plain_state


def draw_ups(module, seed=1):
    """Give the adapters something to add, as training does."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if name.endswith(".up"):
            nn.init.normal_(parameter, std=0.1, generator=generator)


def test_the_sum_by_hand():
    adapter = LowRank(torch.zeros(2, 3), rank=1, alpha=4.0)
    with torch.no_grad():
        adapter.up.copy_(torch.tensor([[1.0], [2.0]]))
        adapter.down.copy_(torch.tensor([[1.0, 0.0, -1.0]]))
    weight = torch.tensor([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]])
    assert adapter(weight).tolist() == [[14.0, 20.0, 26.0], [48.0, 50.0, 52.0]]


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 6), columns=st.integers(1, 6), rank=st.integers(1, 9), alpha=st.floats(0.1, 32))
def test_a_matrix_gets_no_more_ranks_than_it_has(rows, columns, rank, alpha):
    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))
    adapter = LowRank(weight, rank, alpha)
    ranks = min(rank, rows, columns)
    assert (adapter.up.shape, adapter.down.shape) == ((rows, ranks), (ranks, columns))
    assert adapter.scale == pytest.approx(alpha / ranks)
    assert torch.equal(adapter(weight), weight), "nothing changes at first"
    draw_ups(adapter)
    change = (adapter(weight) - weight).detach().double()
    assert torch.linalg.matrix_rank(change, rtol=1e-4) <= ranks


def test_the_first_step_can_move_the_adapter():
    """With both matrices at zero no gradient would reach either of them."""
    adapter = LowRank(torch.zeros(4, 5), rank=2, alpha=2.0)
    adapter(torch.zeros(4, 5)).sum().backward()
    torch.testing.assert_close(adapter.up.grad, adapter.down.detach().sum(1).expand(4, 2))
    assert adapter.up.grad.abs().min() > 0
    assert adapter.down.grad.abs().max() == 0


def test_adapters_have_the_type_of_the_matrix():
    adapter = LowRank(torch.zeros(4, 5, dtype=torch.float64), rank=2, alpha=2.0)
    assert adapter.up.dtype == adapter.down.dtype == torch.float64


def test_linear_layers_get_adapters_and_others_do_not():
    module = nn.Sequential(nn.Linear(4, 3), nn.Conv2d(2, 2, 1), nn.LayerNorm(3), nn.Sequential(nn.Linear(3, 2)))
    add_adapters(module, rank=2, alpha=1.0)
    added = {name for name, _ in module.named_parameters() if name.endswith((".up", ".down"))}
    assert added == {f"{n}.parametrizations.weight.0.{m}" for n in ("0", "3.0") for m in ("up", "down")}
    assert module[0].bias.requires_grad
    assert not hasattr(module[1], "parametrizations")


def test_the_frozen_matrix_stays_as_it_was_while_its_adapter_learns():
    layer = nn.Linear(4, 3)
    before = layer.weight.detach().clone()
    layer.requires_grad_(False)
    add_adapters(layer, rank=2, alpha=4.0)
    learns = [name for name, p in layer.named_parameters() if p.requires_grad]
    assert learns == ["parametrizations.weight.0.up", "parametrizations.weight.0.down"]
    optimiser = torch.optim.SGD([p for p in layer.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        layer(torch.ones(1, 4)).square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()
    assert torch.equal(layer.parametrizations.weight.original, before)
    assert not torch.equal(layer.weight, before)


def test_without_adapters_the_plain_state_is_the_state():
    model = nano()
    state, plain = model.state_dict(), plain_state(model)
    assert list(state) == list(plain)
    assert all(torch.equal(state[name], plain[name]) for name in state)


def test_the_plain_state_has_the_names_of_a_network_without_adapters():
    model = nano()
    wanted = {name: tensor.shape for name, tensor in model.state_dict().items()}
    freeze(model, Learning(part="lora", rank=4))
    draw_ups(model)
    plain = plain_state(model)
    assert {name: tensor.shape for name, tensor in plain.items()} == wanted
    assert not any(tensor.requires_grad for tensor in plain.values())


def test_folded_weights_are_the_matrix_and_what_the_adapter_adds():
    model = nano()
    name = "image_encoder.trunk.blocks.0.attn.qkv"
    before = model.state_dict()[f"{name}.weight"].clone()
    freeze(model, Learning(part="lora", rank=4, alpha=8.0))
    draw_ups(model)
    adapter = model.get_submodule(f"{name}.parametrizations.weight.0")
    wanted = before + 8.0 / 4 * (adapter.up @ adapter.down).detach()
    torch.testing.assert_close(plain_state(model)[f"{name}.weight"], wanted)


def test_adapters_start_as_nothing_and_fold_into_plain_weights():
    model, images = nano(), torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model.encode_image(images).embedding
        freeze(model, Learning(part="lora", rank=4))
        assert torch.equal(model.encode_image(images).embedding, before)
        draw_ups(model)
        adapted = model.encode_image(images).embedding
        assert not torch.allclose(adapted, before, atol=1e-2)
        plain = build(model.config)
        plain.load_state_dict(plain_state(model))
        torch.testing.assert_close(plain.encode_image(images).embedding, adapted, rtol=1e-5, atol=1e-5)
