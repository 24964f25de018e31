"""Tensors that no network can be made of are refused when they are read, by name."""

from pathlib import Path

import pytest
import torch

from sam2s.checkpoints import load_checkpoint, save_checkpoint
from sam2s.checkpoints.tensor_checks import sound_tensors
from sam2s.errors import CheckpointError
from sam2s.model import build, preset

FILE = Path("w.pt")
NAN = torch.tensor([1.0, float("nan"), float("inf"), 2.0])


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (NAN, "holds 2 of 4 values that are NaN or infinite"),
        (torch.ones(3, dtype=torch.int8), "has the type int8"),
        (torch.ones(3, dtype=torch.bool), "has the type bool"),
        (torch.ones(3, dtype=torch.complex64), "has the type complex64"),
        (torch.ones(3, device="meta"), r"has a shape but no numbers .*"),
        (torch.eye(3).to_sparse(), "is sparse or quantised"),
    ],
    ids=["nan", "int8", "bool", "complex", "meta", "sparse"],
)
def test_unusable_tensors_are_named(tensor, message):
    with pytest.raises(CheckpointError, match=rf"w\.pt: the tensor b {message}, and 1 more tensors are unusable"):
        sound_tensors({"a": torch.ones(2), "b": tensor, "c": tensor}, FILE)


def test_strided_and_expanded_tensors_get_memory_of_their_own():
    given = {"t": torch.arange(6.0).view(2, 3).T, "e": torch.ones(1).expand(4)}
    sound = sound_tensors(given, FILE)
    assert all(tensor.is_contiguous() for tensor in sound.values())
    assert torch.equal(sound["t"], given["t"])
    assert sound["e"].untyped_storage().nbytes() == 16


def test_a_network_with_a_nan_is_refused_at_loading_in_every_format(tmp_path):
    network = build(preset("micro"))
    state = network.state_dict()
    state["no_mem_embed"][0, 0, 0] = float("nan")
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=r"the tensor no_mem_embed holds 1 of [\d,]+ values that are NaN"):
        load_checkpoint(tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match="no_mem_embed holds numbers that fp32 cannot"):
        save_checkpoint(tmp_path / "w.safetensors", state, network.config, dtype="fp32")
