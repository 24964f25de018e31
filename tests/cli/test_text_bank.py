"""`sam2s text-bank` with a tiny random CLIP, saved the way transformers saves one."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer
from typer.testing import CliRunner

import sam2s
from model_tools import nano
from sam2s.checkpoints import Metadata, load_checkpoint, save_checkpoint
from sam2s.cli import app
from sam2s.errors import CheckpointError, ConfigError, MissingExtraError
from sam2s.model import build
from sam2s.model.text_bank import TextBank
from sam2s.sasv.ontology import load_ontology
from sam2s.tracking import Points, Tracker
from sam2s.training.clip_text import encode_names

LETTERS = "abcdefghijklmnopqrstuvwxyz."
WORDS = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A CLIP that reads letters, with random weights and 16 output features."""
    folder = tmp_path_factory.mktemp("clip") / "tiny-clip"
    vocab = {word: number for number, word in enumerate(WORDS)}
    CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77).save_pretrained(folder)
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(vocab),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=16,
        max_position_embeddings=77,
        bos_token_id=len(vocab) - 2,
        eos_token_id=len(vocab) - 1,
        pad_token_id=len(vocab) - 1,
    )
    CLIPTextModelWithProjection(config).save_pretrained(folder)
    return folder


def text_bank(*arguments):
    done = CliRunner().invoke(app, ["text-bank", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def by_hand(clip, names, templates):
    """Features computed one sentence at a time, in numpy from the network's output on."""
    tokenizer = CLIPTokenizer.from_pretrained(clip)
    model = CLIPTextModelWithProjection.from_pretrained(clip).eval()
    rows = []
    for name in names:
        units = []
        for template in templates:
            with torch.no_grad():
                found = model(**tokenizer(template.format(name), return_tensors="pt")).text_embeds[0].numpy()
            units.append(found / np.linalg.norm(found))
        rows.append(np.mean(units, 0) / np.linalg.norm(np.mean(units, 0)))
    return np.stack(rows)


def test_the_21_instruments(clip, tmp_path):
    out = text_bank("--clip", clip, "--out", tmp_path / "bank.safetensors")
    bank = TextBank.read(tmp_path / "bank.safetensors")
    assert bank.names == tuple(load_ontology().instruments())
    assert len(bank.names) == 21
    assert bank.templates == ("a photo of a {}.",)
    assert bank.encoder == str(clip)
    assert out.startswith(f"{tmp_path}/bank.safetensors: 21 names, 16 numbers each, by {clip}\n")
    np.testing.assert_allclose(bank.features.numpy(), by_hand(clip, bank.names, bank.templates), atol=1e-5)


def test_own_names_in_several_sentences(clip, tmp_path):
    (tmp_path / "names.txt").write_text("hook\n\n  bowel grasper \n")
    templates = ("a {}.", "a {} in surgery.")
    flags = [part for template in templates for part in ("--template", template)]
    written = tmp_path / "bank.safetensors"
    record = text_bank("--clip", clip, "--names", tmp_path / "names.txt", *flags, "--out", written, "--json")
    assert json.loads(record)["shape"] == [2, 16]
    bank = TextBank.read(written)
    assert (bank.names, bank.templates) == (("hook", "bowel grasper"), templates)
    np.testing.assert_allclose(bank.features.numpy(), by_hand(clip, bank.names, templates), atol=1e-5)
    assert bank.features.norm(dim=1).numpy() == pytest.approx([1, 1], abs=1e-6)


def taught(clip, path):
    """Weights whose CLS is compared with features of this CLIP."""
    bank = encode_names(("hook", "grasper"), str(clip), ("a {}.",))
    network = nano(semantic="joint", categories=bank.names, text_encoder=bank.encoder, templates=bank.templates)
    bank.put(network)
    save_checkpoint(path, network.state_dict(), network.config, Metadata(licence="mine"), dtype="fp32")
    return network


def test_weights_get_other_names_and_answer_with_them(clip, tmp_path):
    weights = tmp_path / "weights.safetensors"
    network = taught(clip, weights)
    (tmp_path / "names.txt").write_text("snare\nclamp\nhook")
    text_bank("--clip", clip, "--names", tmp_path / "names.txt", "--into", weights)
    config, state, metadata = load_checkpoint(weights)
    assert config == replace(network.config, categories=("snare", "clamp", "hook"), templates=("a photo of a {}.",))
    assert metadata.licence == "mine"
    np.testing.assert_allclose(
        state["text_bank"].numpy(), by_hand(clip, config.categories, config.templates), atol=1e-5
    )
    assert all(torch.equal(state[name], old) for name, old in network.state_dict().items() if name != "text_bank")

    model = sam2s.load(weights, device="cpu")
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    found = tracker.step(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).objects[1]
    with torch.inference_mode():
        likely = model.semantic_logits(tracker.tracks[1].last[1].cls)[0].softmax(0)
    assert found.category == config.categories[int(likely.argmax())]
    assert found.category_probability == pytest.approx(float(likely.max()))


def test_a_clip_is_known_by_what_it_says_not_by_its_name(clip, tmp_path):
    weights, moved, other = tmp_path / "weights.safetensors", tmp_path / "moved", tmp_path / "other" / clip.name
    taught(clip, weights)
    shutil.copytree(clip, moved)
    shutil.copytree(clip, other)
    torch.manual_seed(1)
    CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(clip)).save_pretrained(other)
    before = weights.read_bytes()
    with pytest.raises(CheckpointError, match=r"was taught by .*; give --clip the one"):
        raise failing("--clip", other, "--into", weights)
    assert weights.read_bytes() == before
    text_bank("--clip", moved, "--into", weights)
    assert len(load_checkpoint(weights).config.categories) == 21


def test_a_bank_begins_a_network(clip, tmp_path):
    text_bank("--clip", clip, "--out", tmp_path / "bank.safetensors")
    bank = TextBank.read(tmp_path / "bank.safetensors")
    config = bank.fit(nano().config)
    assert (config.semantic, config.text_dim, len(config.categories)) == ("joint", 16, 21)
    network = build(config)
    assert not network.text_bank.any()
    bank.put(network)
    assert torch.equal(network.text_bank, bank.features)
    assert "text_bank" not in dict(network.named_parameters())


def test_without_a_clip_the_bank_is_learned():
    network = build(replace(nano().config, semantic="joint", categories=("hook", "grasper")))
    assert network.text_bank.requires_grad
    network.semantic_logits(torch.ones(1, 64))[0, 0].backward()
    assert network.text_bank.grad is not None
    assert network.text_bank.grad.any()


def failing(*arguments):
    return CliRunner().invoke(app, ["text-bank", *map(str, arguments)]).exception


def test_what_cannot_work_is_refused(clip, tmp_path):
    out = ("--out", tmp_path / "bank.safetensors")
    (tmp_path / "twice.txt").write_text("hook\nhook")
    (tmp_path / "long.txt").write_text("hook" * 40)
    (tmp_path / "empty.txt").write_text("\n")
    for arguments, kind, message in [
        ((), ConfigError, "--out is missing; give --out bank.safetensors, or --into"),
        (("--clip", tmp_path / "nowhere", *out), CheckpointError, "cannot load CLIP '.*nowhere'"),
        (("--clip", clip, "--template", "a photo", *out), ConfigError, "template 'a photo' must hold {} once"),
        (("--clip", clip, "--names", tmp_path / "none.txt", *out), ConfigError, "--names .*none.txt: cannot read"),
        (("--clip", clip, "--names", tmp_path / "twice.txt", *out), ConfigError, "names that stand twice: hook"),
        (("--clip", clip, "--names", tmp_path / "long.txt", *out), ConfigError, "longer than the 77 tokens"),
        (("--clip", clip, "--names", tmp_path / "empty.txt", *out), ConfigError, "needs at least one name"),
        (("--clip", clip, "--out", tmp_path / "bank.pt"), ConfigError, "name it bank.safetensors"),
        (("--clip", clip, "--into", "micro"), ConfigError, "--into micro is not a file of ours to write to; add --out"),
    ]:
        with pytest.raises(kind, match=message):
            raise failing(*arguments)
    assert not (tmp_path / "bank.safetensors").exists()


def test_weights_that_cannot_use_the_names_are_refused_and_stay(clip, tmp_path):
    weights = tmp_path / "weights.safetensors"
    stated = {"semantic": "joint", "categories": ("hook",), "text_encoder": str(clip), "templates": ("a {}.",)}
    for changes, message in [
        ({"semantic": "off"}, "has no CLS token to name objects with"),
        ({"text_encoder": ""}, "learned its own features of 1 names, not CLIP's"),
        ({}, f"was taught by {clip}, and {clip} makes another feature of 'hook'; give --clip the one it was taught by"),
        ({"text_dim": 24}, "the bank is 16 wide, the network compares 24 numbers"),
    ]:
        network = nano(**(stated | changes))
        save_checkpoint(weights, network.state_dict(), network.config)
        before = weights.read_bytes()
        with pytest.raises(CheckpointError, match=message):
            raise failing("--clip", clip, "--into", weights)
        assert weights.read_bytes() == before


def test_files_that_are_no_bank_are_refused(tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match=r"bad\.safetensors is not a text bank"):
        TextBank.read(tmp_path / "bad.safetensors")
    with pytest.raises(CheckpointError, match=r"there is no text bank .*; make it with: sam2s text-bank"):
        TextBank.read(tmp_path / "none.safetensors")


def test_transformers_is_an_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install '\.\[text\]'"):
        raise failing("--out", tmp_path / "bank.safetensors")
