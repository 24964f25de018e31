"""How fast each weight learns: groups, layer-wise rates, decay, what the optimisers are told."""

import pytest
import torch

from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.model import preset
from sam2s.training.freeze import Learning, freeze
from sam2s.training.optim import OptimiserSettings, describe, make_optimisers, rate_scale, set_rates


def test_layer_wise_rates_of_base_plus():
    settings = OptimiserSettings(layer_decay=0.9, additions=10.0)
    blocks = sum(preset("base-plus").stages)
    trunk = "image_encoder.trunk"
    rates = {
        f"{trunk}.blocks.23.norm1.weight": 0.9,
        f"{trunk}.blocks.0.attn.qkv.weight": 0.9**24,
        f"{trunk}.blocks.0.attn.qkv.parametrizations.weight.0.up": 0.9**24,
        f"{trunk}.patch_embed.proj.weight": 0.9**25,
        f"{trunk}.pos_embed": 1.0,
        f"{trunk}.pos_embed_window": 1.0,
        "image_encoder.neck.convs.0.conv.weight": 1.0,
        "sam_mask_decoder.iou_token.weight": 1.0,
        "cls_token": 10.0,
        "semantic_proj.layers.0.weight": 10.0,
    }
    assert blocks == 24
    assert {name: rate_scale(name, blocks, settings) for name in rates} == pytest.approx(rates)


def test_groups_hold_every_number_once_and_biases_and_norms_do_not_decay():
    model = nano()
    freeze(model, Learning())
    settings = OptimiserSettings(lr=1e-3, layer_decay=0.9, weight_decay=0.1, muon=3.0)
    adam, muon = make_optimisers(model, settings)
    groups = adam.param_groups + muon.param_groups
    ids = [id(p) for group in groups for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    assert all(group["weight_decay"] == (0.1 if p.ndim > 1 else 0) for group in groups for p in group["params"])
    linear = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Linear)}
    assert {id(p) for group in muon.param_groups for p in group["params"]} == linear
    set_rates([adam, muon], 0.5)
    rate = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert rate[id(model.image_encoder.trunk.blocks[0].norm1.weight)] == pytest.approx(0.5e-3 * 0.9**5)
    assert rate[id(model.image_encoder.trunk.blocks[0].attn.qkv.weight)] == pytest.approx(1.5e-3 * 0.9**5)


def test_settings_reach_the_optimisers():
    model = nano()
    freeze(model, Learning())
    adam, muon = make_optimisers(model, OptimiserSettings(betas=(0.8, 0.95), muon=2.0, lr=1e-3))
    assert isinstance(adam, torch.optim.AdamW)
    assert {group["betas"] for group in adam.param_groups} == {(0.8, 0.95)}
    assert {group["peak"] for group in muon.param_groups} == {2e-3}
    assert all(group["lr"] == group["peak"] for group in adam.param_groups + muon.param_groups)


def test_a_step_of_the_first_optimiser_uses_its_betas():
    """After two steps with gradients 1 and 0 AdamW has moved by lr (1 + b1 / (1 + b1) * sqrt((1 + b2) / b2)) or so."""
    moved = {}
    for betas in ((0.0, 0.999), (0.9, 0.999)):
        model = nano()
        freeze(model, Learning())
        (adam,) = make_optimisers(model, OptimiserSettings(lr=1e-2, betas=betas, weight_decay=0.0))
        start = model.no_obj_ptr.detach().clone()
        for gradient in (1.0, 0.0):
            model.no_obj_ptr.grad = torch.full_like(model.no_obj_ptr, gradient)
            adam.step()
        moved[betas] = (start - model.no_obj_ptr).mean().item()
    assert moved[0.0, 0.999] == pytest.approx(1e-2, rel=1e-3), "without momentum the second step is none"
    assert moved[0.9, 0.999] > 1.5e-2


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"lr": 0.0}, "lr is 0.0; it must be above 0"),
        ({"layer_decay": -0.9}, "layer_decay is -0.9; it must be above 0"),
        ({"additions": 0.0}, "additions is 0.0; it must be above 0"),
        ({"clip_norm": float("inf")}, "clip_norm is inf; it must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1; it must be at least 0"),
        ({"muon": -1.0}, "muon is -1.0; it must be at least 0"),
        ({"betas": (0.9, 1.0)}, "betas are [0.9, 1.0]; both are from 0 to below 1, such as [0.9, 0.999]"),
    ],
)
def test_numbers_that_no_optimiser_can_use_are_refused(settings, text):
    with pytest.raises(ConfigError) as caught:
        OptimiserSettings(**settings)
    assert str(caught.value) == text


def test_without_muon_there_is_one_optimiser_and_frozen_weights_are_in_none():
    model = nano()
    freeze(model, Learning(part="decoder"))
    (adam,) = make_optimisers(model, OptimiserSettings())
    held = {id(p) for group in adam.param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters() if p.requires_grad}
    assert not held & {id(p) for p in model.image_encoder.parameters()}


def test_the_groups_are_described_with_their_numbers():
    model = nano()
    freeze(model, Learning(part="decoder"))
    optimisers = make_optimisers(model, OptimiserSettings(lr=2e-3, weight_decay=0.05, muon=3.0))
    head, *rows = [line.split() for line in describe(optimisers).splitlines()]
    assert head == ["numbers", "peak", "rate", "decay"]
    assert {row[0] for row in rows} == {"AdamW", "Muon"}
    assert {(row[0], row[2], row[3]) for row in rows} <= {
        ("AdamW", "0.002", "0.05"),
        ("AdamW", "0.002", "0"),
        ("Muon", "0.006", "0.05"),
    }
    learns = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert sum(int(row[1].replace(",", "")) for row in rows) == learns
