"""What a training starts from: names that were learned go on, names that are new begin afresh."""

import pytest
import torch

from model_tools import nano
from sam2s.checkpoints import Metadata, save_checkpoint
from sam2s.errors import ConfigError
from sam2s.model.text_bank import TextBank
from sam2s.training.initial_weights import (
    ModelSettings,
    build_initial_network,
    describe_initial_weights,
    read_initial_weights,
)

NAMES = ("hook", "snare", "clamp")


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Weights with a bank of three names that was learned."""
    path = tmp_path_factory.mktemp("weights") / "learned.safetensors"
    network = nano(semantic="joint", categories=NAMES)
    save_checkpoint(path, network.state_dict(), network.config, Metadata(), dtype="fp32")
    return path, network.text_bank.detach()


def start(settings: ModelSettings):
    initial = read_initial_weights(settings, 64)
    return initial, build_initial_network(initial, settings)


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1], ("snare",), ("probe", "hook", "stapler", "clamp"), ("probe",)])
def test_each_name_goes_on_with_what_was_learned_of_it(learned, names):
    path, bank = learned
    initial, network = start(ModelSettings(init=str(path), names=names))
    assert initial.config.categories == names
    assert isinstance(network.text_bank, torch.nn.Parameter)
    for row, name in enumerate(names):
        old = bank[NAMES.index(name)] if name in NAMES else None
        assert old is None or torch.equal(network.text_bank[row], old)
        assert old is not None or not (bank == network.text_bank[row]).all(1).any()


def test_without_names_the_bank_is_that_of_the_weights(learned):
    path, bank = learned
    initial, network = start(ModelSettings(init=str(path)))
    assert initial.config.categories == NAMES
    assert torch.equal(network.text_bank, bank)


def test_a_text_bank_replaces_what_was_learned(learned, tmp_path):
    features = torch.nn.functional.normalize(torch.randn(2, 16, generator=torch.Generator().manual_seed(0)), dim=-1)
    TextBank(("hook", "snare"), features, "some CLIP", ("{}",)).write(tmp_path / "bank.safetensors")
    initial, network = start(ModelSettings(init=str(learned[0]), bank=str(tmp_path / "bank.safetensors")))
    assert (initial.config.categories, initial.config.text_dim) == (("hook", "snare"), 16)
    assert torch.equal(network.text_bank, features)
    assert not isinstance(network.text_bank, torch.nn.Parameter)
    assert "2 names by some CLIP" in describe_initial_weights(initial, ModelSettings(init="x"))


def test_names_for_weights_that_had_none(weights):
    initial, network = start(ModelSettings(init=str(weights), semantic="joint", names=NAMES))
    assert initial.known_names == ()
    assert network.text_bank.shape == (3, initial.config.text_dim)
    assert network.text_bank.std() > 0.5
    _, plain = start(ModelSettings(init=str(weights), names=NAMES))
    assert not hasattr(plain, "text_bank"), "names without a CLS token change nothing"


def test_weights_that_lack_a_part_are_refused(tmp_path, weights):
    initial = read_initial_weights(ModelSettings(init=str(weights)), 64)
    initial.state.pop("no_obj_ptr")
    with pytest.raises(ConfigError, match=r"x lacks no_obj_ptr; convert it with sam2s weights convert"):
        build_initial_network(initial, ModelSettings(init="x"))


def test_a_bank_and_names_exclude_each_other():
    with pytest.raises(ConfigError, match="there is a bank, so its names hold; leave out names"):
        ModelSettings(bank="bank.safetensors", names=("hook",))
