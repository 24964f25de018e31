"""Fetching weights with the real hub client from a server on this machine."""

import hashlib
import io
import os
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants, hf_hub_download

import sam2s
from hub_server import hub_server
from model_tools import fixed_weights
from sam2s.checkpoints import hub, load_checkpoint, local_path, named_weights
from sam2s.errors import CheckpointError
from sam2s.model import build, preset

ITEM = named_weights("sam2.1-tiny")


@pytest.fixture(scope="module")
def official():
    """An official-style file: the smallest preset with pseudo-random weights, without what SAM2S adds."""
    state = fixed_weights(build(preset("micro"))).state_dict()
    del state["long_term_tpos_enc"]
    buffer = io.BytesIO()
    torch.save({"model": state}, buffer)
    return buffer.getvalue()


def ask(url, monkeypatch):
    """What HF_ENDPOINT does when the client is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def server(tmp_path, monkeypatch, official):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with hub_server() as running:
        ask(running.url, monkeypatch)
        running.files[ITEM.repo, ITEM.file] = official
        yield running


def test_fetches_once_and_then_asks_no_server(server):
    assert local_path(ITEM) is None
    config, state, metadata = load_checkpoint("sam2.1-tiny")
    assert (config.name, metadata.source, metadata.licence) == ("micro", "facebook/sam2.1-hiera-tiny", "Apache-2.0")
    assert torch.equal(state["long_term_tpos_enc"], state["maskmem_tpos_enc"][6:7])
    assert "GET" in server.requests
    server.requests.clear()
    network = sam2s.load("sam2.1-tiny", device="cpu", image_size=128)
    assert network.image_size == 128
    assert server.requests == []


def test_resumes_when_the_server_hangs_up(server, official):
    server.fault = "hang up once"
    assert hub.fetch(ITEM).read_bytes() == official
    assert any(request.startswith("GET bytes=") for request in server.requests)


def test_wrong_checksum_removes_the_file(server):
    server.fault = "corrupt"
    with pytest.raises(CheckpointError, match=r"sam2.1_hiera_tiny.pt of .* arrived damaged: its SHA-256 is \w{64}"):
        hub.fetch(ITEM)
    assert local_path(ITEM) is None
    server.fault = ""
    assert hub.fetch(ITEM).is_file()


@pytest.fixture
def publish(server):
    """The client's part of a download alone, as a kill before the check leaves it; gives the content's own file."""

    def run():
        return Path(hf_hub_download(ITEM.repo, ITEM.file)).resolve()

    return run


def test_what_was_never_checked_is_checked_before_it_is_used(server, publish, official):
    server.fault = "corrupt"
    publish()
    server.fault = ""
    assert local_path(ITEM) is None
    assert hub.fetch(ITEM).read_bytes() == official
    assert "GET" in server.requests


def test_a_file_is_hashed_once_and_again_when_it_changes(publish, monkeypatch):
    content, hashed = publish(), []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: hashed.append(given) or digest(*given))
    for _ in range(3):
        assert local_path(ITEM).resolve() == content
    assert len(hashed) == 1
    os.truncate(content, 1000)
    assert local_path(ITEM) is None
    assert len(hashed) == 2


def test_another_process_removes_the_file(server, publish, monkeypatch):
    def removed(file, kind):
        Path(file.name).unlink()
        return hashlib.sha256()

    monkeypatch.setattr(hashlib, "file_digest", removed)
    with pytest.raises(CheckpointError, match="arrived damaged"):
        hub.fetch(ITEM)
    publish().unlink()
    assert local_path(ITEM) is None
    monkeypatch.setattr(hub, "_verify", lambda path, *_: path.with_name("gone").stat())
    with pytest.raises(CheckpointError, match=r"just fetched \(No such file .*; try again: sam2s weights fetch"):
        hub.fetch(ITEM)


def test_checksum_of_the_registry_comes_first(server):
    from dataclasses import replace

    with pytest.raises(CheckpointError, match=f"expected {'0' * 64}"):
        hub.fetch(replace(ITEM, sha256="0" * 64))


@pytest.mark.parametrize(
    ("fault", "files", "message"),
    [
        ("gated", True, "is gated: accept its terms on its page, then log in with `hf auth login`"),
        ("500", True, r"--weights /path/to/sam2.1_hiera_tiny.pt"),
        ("", False, "the hub has no repository facebook/sam2.1-hiera-tiny"),
        ("", "other", "facebook/sam2.1-hiera-tiny has no file sam2.1_hiera_tiny.pt"),
    ],
)
def test_refusals_say_why(server, fault, files, message):
    server.fault = fault
    if files is not True:
        server.files.clear()
    if files == "other":
        server.files[ITEM.repo, "other.pt"] = b""
    with pytest.raises(CheckpointError, match=message) as caught:
        hub.fetch(ITEM)
    assert str(caught.value).startswith("cannot fetch sam2.1-tiny: ")


def test_no_network(server, monkeypatch):
    ask("http://127.0.0.1:9", monkeypatch)
    with pytest.raises(CheckpointError, match=r"Download http://127.0.0.1:9/facebook/.* give its path"):
        hub.fetch(ITEM)


def test_offline_mode(server, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE is set and it is not in the cache"):
        hub.fetch(ITEM)
    assert server.requests == []
