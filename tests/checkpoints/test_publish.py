"""Publishing weights with the real hub client to a server on this machine, and loading them again by repository."""

import pytest
import torch
from huggingface_hub import constants

from hub_server import hub_server
from model_tools import nano
from sam2s.checkpoints import Metadata, load_checkpoint, save_checkpoint
from sam2s.checkpoints.publish import push_weights
from sam2s.errors import CheckpointError


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", "hf_token_of_a_test")
    with hub_server() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", running.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield running


@pytest.fixture
def weights(tmp_path):
    network = nano()
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, network.state_dict(), network.config, Metadata(licence="CC-BY-4.0", source="a run"))
    return path


def test_what_was_pushed_loads_by_its_repository(server, weights):
    address = push_weights(weights, "lab/nano", figures=[{"J&F": 61.2, "command": "sam2s eval --data x"}])
    assert address.startswith(f"{server.url}/lab/nano/commit/")
    card = server.files["lab/nano", "README.md"].decode()
    assert card.startswith("---\nlicense: cc-by-4.0\n")
    assert "| 61.2 | `sam2s eval --data x` |" in card
    pushed, original = load_checkpoint("hf:lab/nano"), load_checkpoint(weights)
    assert pushed.config == original.config
    assert (pushed.metadata.source, pushed.metadata.licence) == ("lab/nano", "CC-BY-4.0")
    assert all(torch.equal(pushed.state[name], tensor) for name, tensor in original.state.items())


def test_weights_without_a_licence_are_not_published(server, tmp_path):
    network = nano()
    save_checkpoint(tmp_path / "w.safetensors", network.state_dict(), network.config)
    with pytest.raises(CheckpointError, match=r"states no licence, .* --licence TERMS"):
        push_weights(tmp_path / "w.safetensors", "lab/nano")
    assert not server.requests


def test_a_refusal_of_the_hub_names_the_token(server, weights):
    server.fault = "read only"
    with pytest.raises(CheckpointError, match=r"cannot publish lab/nano: .*HF_TOKEN to a token that may write"):
        push_weights(weights, "lab/nano")
    with pytest.raises(CheckpointError, match="'nano' is not a repository; give OWNER/NAME"):
        push_weights(weights, "nano")


def test_a_repository_that_does_not_exist_is_named(server):
    with pytest.raises(CheckpointError, match="the hub has no repository lab/absent"):
        load_checkpoint("hf:lab/absent")
