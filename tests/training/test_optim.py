"""What learns and how fast: schedule, layer-wise rates, frozen parts, adapters."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.model import build, preset
from sam2s.training.freeze import Learning, freeze, what_learns
from sam2s.training.lora import plain_state
from sam2s.training.optim import OptimiserSettings, make_optimisers, rate_scale, set_rates
from sam2s.training.schedule import Schedule


@pytest.mark.parametrize(
    ("progress", "factor"), [(0.0, 0.0), (0.01, 0.5), (0.02, 1.0), (0.51, 0.51), (1.0, 0.02), (1.2, 0.02)]
)
def test_learning_rate_rises_and_falls(progress, factor):
    schedule = Schedule(length="9 steps", warmup=0.02, final=0.02)
    assert schedule.factor(progress) == pytest.approx(factor, abs=1e-6)


@given(st.floats(0, 1), st.floats(0, 1))
def test_without_warm_up_it_never_rises(a, b):
    schedule = Schedule(length="30 epochs")
    assert schedule.factor(min(a, b)) >= schedule.factor(max(a, b)) >= 0.1 - 1e-12


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


def test_a_rise_over_the_whole_training():
    schedule = Schedule(length="9 steps", warmup=1.0, final=0.2)
    assert [schedule.factor(p) for p in (0.0, 0.25, 0.999)] == pytest.approx([0.0, 0.25, 0.999])
    assert schedule.factor(1.0) == pytest.approx(0.2)


def test_what_a_schedule_says_of_its_length():
    assert Schedule(length="9 steps").amount("steps") == 9
    assert Schedule(length="9 steps").amount("epochs") is None
    assert Schedule(length="1.5 minutes").amount("minutes") == 1.5
    for wrong in ("9", "steps 9", "0 steps", "inf epochs", "9 hours", ""):
        with pytest.raises(ConfigError, match="give a number and a unit"):
            Schedule(length=wrong)


FROZEN = {
    "all": set(),
    "decoder": {"image_encoder", "memory_attention", "memory_encoder", "obj_ptr_proj", "no_mem_embed", "no_obj_ptr"},
    "memory": {"image_encoder", "sam_mask_decoder", "sam_prompt_encoder"},
}


@pytest.mark.parametrize("part", FROZEN)
def test_what_each_part_freezes(part):
    model = nano(semantic="joint", categories=("hook", "snare"))
    freeze(model, Learning(part=part))
    frozen = {name.split(".")[0] for name, p in model.named_parameters() if not p.requires_grad}
    learns = {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}
    assert FROZEN[part] <= frozen
    assert not frozen & learns
    assert learns >= {"long_term_tpos_enc", "cls_token", "semantic_proj", "text_bank"}
    assert "image_encoder" in what_learns(model)


def test_adapters_start_as_nothing_and_fold_into_plain_weights():
    model, images = nano(), torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model.encode_image(images).embedding
        freeze(model, Learning(part="lora", rank=4))
        assert torch.equal(model.encode_image(images).embedding, before)
    names = {name for name, p in model.image_encoder.named_parameters() if p.requires_grad}
    assert names
    assert all(name.endswith((".up", ".down")) for name in names)
    for name, p in model.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(p, std=0.1, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        adapted = model.encode_image(images).embedding
        assert not torch.allclose(adapted, before, atol=1e-2)
        plain = build(model.config)
        plain.load_state_dict(plain_state(model))
        torch.testing.assert_close(plain.encode_image(images).embedding, adapted, rtol=1e-5, atol=1e-5)
