"""Averages of weights: number by number, of one network alone, and honest about where they come from."""

from dataclasses import replace

import pytest
import torch

from model_tools import nano
from sam2s.checkpoints import Checkpoint, Metadata, average_checkpoints
from sam2s.errors import CheckpointError, ConfigError


def checkpoint(seed, *, stages=1, licence="Apache-2.0", **changes):
    network = nano(seed, **changes)
    return Checkpoint(
        network.config, network.state_dict(), Metadata(licence=licence, training={"stages": [{}] * stages})
    )


def test_every_number_is_the_weighted_mean():
    first, second = checkpoint(0), checkpoint(1)
    _, state, _ = average_checkpoints(first, second, share=0.25)
    assert state.keys() == first[1].keys()
    for name, tensor in state.items():
        assert torch.allclose(tensor, 0.75 * first[1][name] + 0.25 * second[1][name], atol=1e-6), name


@pytest.mark.parametrize(("share", "which"), [(0.0, 0), (1.0, 1)])
def test_the_ends_are_the_weights_themselves(share, which):
    pair = checkpoint(0), checkpoint(1)
    _, state, _ = average_checkpoints(*pair, share=share)
    assert all(torch.equal(tensor, pair[which][1][name]) for name, tensor in state.items())


def test_names_and_their_bank_are_those_of_the_second():
    first = checkpoint(0, semantic="joint", text_dim=16)
    second = checkpoint(1, semantic="joint", text_dim=16, categories=("hook", "snare"))
    config, state, _ = average_checkpoints(first, second, share=0.5)
    assert config.categories == ("hook", "snare")
    assert torch.equal(state["text_bank"], second[1]["text_bank"])


def test_a_calibration_does_not_outlive_the_numbers_it_was_made_for():
    config, state, about = checkpoint(1)
    config, _, _ = average_checkpoints(
        checkpoint(0), Checkpoint(replace(config, confident_iou=0.6), state, about), share=0.5
    )
    assert config.confident_iou is None


def test_the_record_says_what_was_averaged():
    _, _, about = average_checkpoints(
        checkpoint(0, stages=10), checkpoint(1, stages=11, licence="CC-BY-4.0"), share=0.25
    )
    assert about.training["averaged"] == [{"share": 0.75, "stages": 10}, {"share": 0.25, "stages": 11}]
    assert len(about.training["stages"]) == 11
    assert about.licence == "Apache-2.0 and CC-BY-4.0"


def test_other_networks_and_shares_are_refused():
    with pytest.raises(CheckpointError, match="the weights differ in memory_layers; only weights of one network"):
        average_checkpoints(checkpoint(0), checkpoint(1, memory_layers=1), share=0.5)
    with pytest.raises(ConfigError, match=r"share 1\.5 is outside 0 to 1"):
        average_checkpoints(checkpoint(0), checkpoint(1), share=1.5)
    config, state, about = checkpoint(1)
    state = {name: tensor for name, tensor in state.items() if name != "no_obj_ptr"}
    with pytest.raises(CheckpointError, match="only one of the weights has no_obj_ptr"):
        average_checkpoints(checkpoint(0), Checkpoint(config, state, about), share=0.5)
