"""Which part of the network learns, and what is said of it."""

import pytest
import torch

from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.training.freeze import ADDITIONS, PARTS, Learning, freeze, what_learns

FROZEN = {
    "all": set(),
    "decoder": {"image_encoder", "memory_attention", "memory_encoder", "obj_ptr_proj", "no_mem_embed", "no_obj_ptr"},
    "memory": {"image_encoder", "sam_mask_decoder", "sam_prompt_encoder"},
}


def learning_parts(model):
    return {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}


def counts(text):
    """By part of the network: how many numbers learn, and how many are frozen."""
    rows = [line.replace(",", "").split() for line in text.splitlines()[1:]]
    return {" ".join(row[:-2]): (int(row[-2]), int(row[-1])) for row in rows}


@pytest.mark.parametrize("part", FROZEN)
def test_what_each_part_freezes(part):
    model = nano(semantic="joint", categories=("hook", "snare"))
    freeze(model, Learning(part=part))
    frozen = {name.split(".")[0] for name, p in model.named_parameters() if not p.requires_grad}
    learns = learning_parts(model)
    assert FROZEN[part] <= frozen
    assert not frozen & learns
    assert learns >= {"long_term_tpos_enc", "cls_token", "semantic_proj", "text_bank"}
    assert "image_encoder" in what_learns(model)


@pytest.mark.parametrize("part", [*PARTS, "lora"])
def test_the_code_that_nothing_uses_never_learns(part):
    model = nano()
    freeze(model, Learning(part=part))
    assert not model.no_mem_pos_enc.requires_grad


def test_every_prefix_names_a_part_of_the_network():
    """A prefix with a misspelling would freeze what should learn, and nothing would say so."""
    names = [name for name, _ in nano(semantic="joint", categories=("hook",)).named_parameters()]
    for prefixes in PARTS.values():
        for prefix in prefixes:
            assert any(name.startswith(prefix) for name in names), prefix


def test_the_parts_of_the_decoder_and_of_the_memory_share_the_additions_alone():
    assert set(PARTS["decoder"]) & set(PARTS["memory"]) == set(ADDITIONS)


def test_what_was_frozen_before_learns_again():
    model = nano()
    freeze(model, Learning(part="decoder"))
    assert "image_encoder" not in learning_parts(model)
    freeze(model, Learning(part="all"))
    assert all(p.requires_grad for name, p in model.named_parameters() if name != "no_mem_pos_enc")


def test_adapters_leave_all_but_the_image_encoder_learning():
    model = nano()
    others = {name for name, _ in model.named_parameters() if not name.startswith("image_encoder.")}
    freeze(model, Learning(part="lora", rank=2))
    learns = {name for name, p in model.named_parameters() if p.requires_grad}
    assert others - {"no_mem_pos_enc"} <= learns
    assert all(name.endswith((".up", ".down")) for name in learns - others)
    assert "image_encoder" in learning_parts(model)


def test_gradients_reach_what_learns_and_nothing_else():
    model = nano()
    freeze(model, Learning(part="memory"))
    sum(p.sum() for p in model.parameters()).backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == name.startswith(PARTS["memory"]), name


def test_the_counts_are_those_of_the_layers():
    layers = torch.nn.ModuleDict({"seen": torch.nn.Linear(3, 5), "still": torch.nn.Linear(1000, 2, bias=False)})
    layers["seen"].bias.requires_grad_(False)
    layers["still"].requires_grad_(False)
    lines = what_learns(layers).splitlines()
    assert lines[0].split() == ["learns", "frozen"]
    assert [line.split() for line in lines[1:]] == [
        ["seen", "15", "5"],
        ["still", "0", "2,000"],
        ["in", "all", "15", "2,005"],
    ]
    assert len({len(line) for line in lines}) == 1, "the columns stand below each other"


@pytest.mark.parametrize("part", [*PARTS, "lora"])
def test_the_last_line_counts_every_number_of_the_network(part):
    model = nano()
    freeze(model, Learning(part=part, rank=3))
    rows = counts(what_learns(model))
    learns, frozen = rows.pop("in all")
    assert (learns, frozen) == tuple(map(sum, zip(*rows.values(), strict=True)))
    assert learns == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert learns + frozen == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rank": 0}, "rank is 0; it must be at least 1"),
        ({"rank": -3}, "rank is -3; it must be at least 1"),
        ({"alpha": 0.0}, "alpha is 0.0; it must be above 0"),
        ({"alpha": float("inf")}, "alpha is inf; it must be above 0"),
        ({"alpha": float("nan")}, "alpha is nan; it must be above 0"),
    ],
)
def test_adapters_of_no_rank_or_no_weight_are_refused(settings, text):
    with pytest.raises(ConfigError) as caught:
        Learning(part="lora", **settings)
    assert str(caught.value) == text
