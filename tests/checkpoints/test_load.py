"""Weights of every format, the strict report, and every way a file can be wrong."""

import json
import os
import pickle
import zipfile
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

import sam2s
from model_tools import NANO, fixed_weights, nano
from sam2s.checkpoints import (
    Metadata,
    assemble,
    compare_with_network,
    find_weights,
    load_checkpoint,
    read_checkpoint,
    registry,
    save_checkpoint,
)
from sam2s.checkpoints.native import EXPORT
from sam2s.errors import CheckpointError, ConfigError
from sam2s.model import PRESETS, SAM2S, build, preset


@pytest.fixture(scope="module")
def micro():
    return fixed_weights(build(preset("micro")))


@pytest.fixture
def official(micro):
    """State dict with the names of an official checkpoint."""
    return {name: tensor for name, tensor in micro.state_dict().items() if name != "long_term_tpos_enc"}


def save_official(path, state):
    torch.save({"model": state}, path)
    return path


def test_names_come_before_folders_and_home_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "micro").mkdir()
    (tmp_path / "micro" / EXPORT).touch()
    assert isinstance(sam2s.load("micro", device="cpu", image_size=64), SAM2S)
    for given in ("./micro", "~/micro"):
        with pytest.raises(CheckpointError, match=r"micro/sam2s-onnx\.json .*; export the network again"):
            sam2s.load(given)


def test_exported_networks_are_called_so(tmp_path):
    (tmp_path / EXPORT).touch()
    save_file({"no_mem_embed": torch.zeros(1)}, tmp_path / "constants.safetensors")
    with pytest.raises(CheckpointError, match=r"is a network that sam2s export onnx wrote, .* give the weights"):
        read_checkpoint(tmp_path)


def test_official_file_becomes_plain_sam2(tmp_path, micro, official):
    path = save_official(tmp_path / "w.pt", official)
    config, state, metadata = load_checkpoint(path)
    assert config == micro.config
    assert metadata.format == "official"
    assert torch.equal(state["long_term_tpos_enc"], official["maskmem_tpos_enc"][6:7])
    loaded = sam2s.load(path, device="cpu")
    assert not loaded.training
    assert all(torch.equal(official[name], tensor) for name, tensor in loaded.state_dict().items() if name in official)


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "micro"])
def test_sizes_of_every_preset_are_read_off_the_shapes(name, tmp_path):
    with torch.device("meta"):
        state = build(preset(name)).state_dict()
    from sam2s.checkpoints.sizes import infer_config

    assert infer_config(state, tmp_path) == preset(name)


def test_own_format_keeps_config_metadata_and_numbers(tmp_path):
    network = nano(semantic="reader", categories=("grasper", "liver"))
    metadata = Metadata(source="run 7", licence="CC0", training={"steps": 5, "scores": {"J&F": 80.1}}, note="a test")
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, network.state_dict(), network.config, metadata, dtype="fp32")
    config, state, read_back = load_checkpoint(path)
    assert config == network.config
    assert read_back == metadata
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_half_precision_keeps_the_position_matrix_exact(tmp_path):
    network = nano()
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, network.state_dict(), network.config)
    state = load_checkpoint(path).state
    matrix = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
    assert {name for name, tensor in state.items() if tensor.dtype == torch.float32} == {matrix}
    assert torch.equal(state[matrix], network.state_dict()[matrix])
    loaded = sam2s.load(path, device="cpu")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}


def test_semantics_without_their_weights_are_switched_off(tmp_path):
    network = nano()
    config = replace(network.config, semantic="joint", categories=("grasper",))
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, network.state_dict(), config)
    loaded = load_checkpoint(path).config
    assert (loaded.semantic, loaded.categories) == ("off", ())


def test_half_of_the_semantics_is_an_error(tmp_path):
    network = nano(semantic="joint", categories=("grasper",))
    state = network.state_dict()
    del state["cls_token"]
    save_checkpoint(tmp_path / "w.safetensors", state, network.config)
    with pytest.raises(CheckpointError, match=r"missing +1\n    cls_token\n"):
        load_checkpoint(tmp_path / "w.safetensors")


def test_report_names_every_difference(tmp_path, official):
    official["intruder"] = torch.zeros(3)
    official["obj_ptr_tpos_proj.weight"] = torch.zeros(64, 7)
    del official["no_obj_ptr"]
    path = save_official(tmp_path / "w.pt", official)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(caught.value).splitlines() == [
        f"{path} does not fit the network 'micro':",
        "matched      382",
        "missing        1",
        "    no_obj_ptr",
        "unexpected     1",
        "    intruder",
        "mis-shaped     1",
        "    obj_ptr_tpos_proj.weight: needs [64, 128], file has [64, 7]",
    ]


def test_long_lists_are_cut(micro):
    report = compare_with_network(micro.config, {})
    assert len(report.missing) == 384
    assert report.table(limit=2).splitlines()[4] == "    ... and 382 more"


def test_sam_2_0_weights_are_recognised(tmp_path, official):
    for name in ("no_obj_embed_spatial", "obj_ptr_tpos_proj.weight", "obj_ptr_tpos_proj.bias"):
        del official[name]
    with pytest.raises(CheckpointError, match=r"These are SAM 2\.0 weights; SAM 2\.1 ones are needed"):
        load_checkpoint(save_official(tmp_path / "w.pt", official))


def test_unknown_trunk(tmp_path):
    state = nano().state_dict()
    with pytest.raises(CheckpointError, match=r"trunk of width 16 with stages of \(1, 1, 2, 1\) blocks"):
        load_checkpoint(save_official(tmp_path / "w.pt", state))


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"model": Evil()}, tmp_path / "zip.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps({"model": Evil()}, protocol=2))
    for name in ("zip.pt", "raw.pt"):
        with pytest.raises(CheckpointError, match=rf"{name} was refused: it holds Python objects \(\w+\.mkdir\)"):
            load_checkpoint(tmp_path / name)
    assert not (tmp_path / "owned").exists()


def plain_zip(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("notes.txt", "hello")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.write_text("model weights"), r"is not a checkpoint but some other file \(it starts with b'model"),
        (lambda p: p.write_text("<!DOCTYPE html><html>"), "is not a checkpoint but a web page"),
        (
            lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\n"),
            "is a Git LFS pointer, not the weights",
        ),
        (lambda p: p.write_bytes(b""), "is empty"),
        (plain_zip, "is a zip archive without readable tensors"),
        (lambda p: torch.save([torch.zeros(1)], p), "holds no state dict: .* found a list"),
        (lambda p: torch.save({"optimizer": 1, "epoch": 2}, p), "found a dict with the keys 'optimizer', 'epoch'"),
        (
            lambda p: torch.save({"weight": torch.zeros(1)}, p),
            r"holds no SAM 2\.1 weights: .* first tensors are weight",
        ),
        (lambda p: save_file({"bert.pooler": torch.zeros(1)}, p), r"holds no SAM 2\.1 weights: .* are bert\.pooler"),
    ],
)
def test_files_of_something_else(tmp_path, make, message):
    make(tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tmp_path / "w.pt")


@pytest.mark.parametrize("share", [0.001, 0.01, 0.03, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("suffix", ["pt", "legacy.pt", "safetensors"])
def test_truncated_files(tmp_path, suffix, share):
    network, path = nano(), tmp_path / f"w.{suffix}"
    if suffix == "safetensors":
        save_checkpoint(path, network.state_dict(), network.config)
    else:
        content = {"model": network.state_dict()}
        torch.save(content, path, _use_new_zipfile_serialization=suffix == "pt")
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(CheckpointError, match=rf"w.{suffix} is (damaged or )?truncated \([\d,]+ bytes"):
        load_checkpoint(path)


def test_damaged_or_newer_metadata(tmp_path):
    tensors = {"a": torch.zeros(1)}
    for record, message in [
        ("{", "damaged metadata"),
        (json.dumps({"version": 1, "config": {"colour": 3}}), "damaged metadata .*colour"),
        (json.dumps({"version": 99, "config": {}}), r"written by a newer sam2s \(format 99"),
    ]:
        save_file(tensors, tmp_path / "w.safetensors", metadata={"sam2s": record})
        with pytest.raises(CheckpointError, match=message):
            read_checkpoint(tmp_path / "w.safetensors")


def test_folders_without_weights(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"holds no weights: expected config.json with model.safetensors.*found: none"
    ):
        read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    save_file({"bert.pooler": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="holds a transformers model, but not Sam2VideoModel"):
        read_checkpoint(tmp_path)


def test_names(tmp_path):
    with pytest.raises(CheckpointError, match=r"'sam2.1-tyny'.*the names are micro, .*did you mean sam2.1-tiny"):
        find_weights("sam2.1-tyny")
    with pytest.raises(CheckpointError, match=r"there is no file or folder /nowhere/w.pt"):
        find_weights("/nowhere/w.pt")
    for item in registry().values():
        assert item.preset in PRESETS
        assert item.licence


def test_saving_refuses_what_cannot_be_stored(tmp_path):
    state = {"a": torch.tensor([1e6])}
    with pytest.raises(CheckpointError, match="a holds numbers that fp16 cannot"):
        save_checkpoint(tmp_path / "w.safetensors", state, NANO)
    with pytest.raises(ConfigError, match=r"name the file w.safetensors, not w.pt"):
        save_checkpoint(tmp_path / "w.pt", state, NANO)
    assert list(tmp_path.iterdir()) == []


def test_image_size_is_checked(tmp_path):
    network = nano()
    save_checkpoint(tmp_path / "w.safetensors", network.state_dict(), network.config)
    with pytest.raises(ConfigError, match="image_size 100 cannot be used"):
        sam2s.load(tmp_path / "w.safetensors", device="cpu", image_size=100)
    assert sam2s.load(tmp_path / "w.safetensors", device="cpu", image_size=96).config.grid == 6


def test_assembled_network_computes_what_the_original_does(tmp_path):
    network = nano()
    again = assemble(network.config, network.state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network.encode_image(image).embedding, again.encode_image(image).embedding)
