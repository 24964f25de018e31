"""`sam2s weights`, run the way a person runs it."""

import json
import os
import pty
import subprocess
import sys
import termios

import pytest
import torch
from typer.testing import CliRunner

from hub_server import hub_server
from model_tools import nano
from sam2s.checkpoints import Metadata, load_checkpoint, locate, named_weights, registry, save_checkpoint
from sam2s.cli import app
from sam2s.errors import ConfigError
from sam2s.model import build, preset


def sam2s(*arguments):
    done = CliRunner().invoke(app, ["weights", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def official(tmp_path):
    """An official-style file with the smallest preset."""
    state = build(preset("micro")).state_dict()
    del state["long_term_tpos_enc"]
    torch.save({"model": state}, tmp_path / "official.pt")
    return tmp_path / "official.pt"


def test_list(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    lines = sam2s("list").splitlines()
    assert [line.split()[0] for line in lines] == list(registry())
    assert lines[3].split(maxsplit=5)[:5] == ["sam2.1-base-plus", "324", "MB", "Apache-2.0", "not"]
    rows = json.loads(sam2s("list", "--json"))
    assert rows[1]["repository"] == "facebook/sam2.1-hiera-tiny"
    assert rows[1]["path"] is None


def test_fetch_talks_to_the_hub_that_the_environment_names(tmp_path, official):
    item = named_weights("sam2.1-small")
    screen, terminal = pty.openpty()  # the client draws its progress bar for people only
    termios.tcsetwinsize(terminal, (24, 100))
    with hub_server() as server:
        server.files[item.repo, item.file] = official.read_bytes()
        done = subprocess.run(
            [sys.executable, "-m", "sam2s", "weights", "fetch", "sam2.1-small", "--json"],
            env=os.environ | {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"},
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
            check=False,
        )
    shown = os.read(screen, 100_000).decode()
    assert done.returncode == 0, shown
    assert "sam2.1_hiera_small.pt: 100%" in shown
    path = json.loads(done.stdout)["sam2.1-small"]
    assert path.startswith(str(tmp_path / "home"))
    assert load_checkpoint(path).config.name == "micro"


@pytest.mark.parametrize(("precision", "size"), [("fp16", 2), ("fp32", 4)])
def test_convert_then_show(tmp_path, official, precision, size):
    out = tmp_path / "ours.safetensors"
    text = sam2s("convert", official, out, "--precision", precision, "--licence", "CC0")
    assert f"384 tensors of network 'micro' in {precision}" in text
    facts = json.loads(sam2s("show", out, "--json"))
    assert facts["licence"] == "CC0"
    assert facts["source"] == str(official)
    assert facts["config"]["name"] == "micro"
    assert facts["report"]["missing"] == []
    assert out.stat().st_size == pytest.approx(facts["parameters"] * size, rel=0.02)


def test_a_stated_licence_stays(tmp_path, official):
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    sam2s("convert", official, first, "--licence", "CC0")
    with pytest.raises(ConfigError, match="states its licence, CC0; omit --licence 'mine'"):
        sam2s("convert", first, second, "--licence", "mine")
    assert not second.exists()
    sam2s("convert", first, second, "--licence", "CC0")
    assert load_checkpoint(second).metadata.licence == "CC0"


def test_show_of_an_official_file(official):
    text = sam2s("show", official)
    assert "licence     not stated (the official SAM 2.1 weights are Apache-2.0)" in text
    assert "missing        1\n    long_term_tpos_enc" in text
    assert text.endswith("The additions of SAM2S are absent: these weights run as plain SAM 2.1.\n")


def test_show_of_weights_with_categories(tmp_path):
    network = nano(semantic="joint", categories=("grasper", "liver"))
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, network.state_dict(), network.config, Metadata(training={"steps": 12000}))
    text = sam2s("show", path)
    assert "categories            grasper, liver" in text
    assert "steps                 12,000" in text
    assert "semantic_proj" in text


def test_weights_that_ship_with_the_package(tmp_path, monkeypatch):
    for path in locate.BUNDLED.glob("*.safetensors"):
        assert path.stat().st_size < 16e6
    monkeypatch.setattr(locate, "BUNDLED", tmp_path)
    assert "not here" in sam2s("list").splitlines()[0]
    network = build(preset("micro"))
    save_checkpoint(tmp_path / "micro.safetensors", network.state_dict(), network.config)
    assert "bundled" in sam2s("list").splitlines()[0]
    facts = json.loads(sam2s("show", "micro", "--json"))
    assert facts["parameters"] < 7e6
    assert (facts["licence"], facts["note"]) == ("Apache-2.0", registry()["micro"].note)


def test_inspect_shows_each_module_and_names_the_family(tmp_path, official):
    text = sam2s("inspect", official)
    assert "tensors, compared with network 'micro'" in text
    assert "missing        1\n    long_term_tpos_enc" in text
    state = torch.load(official, weights_only=True)["model"]
    state["spatial_perceiver.latents"] = torch.zeros(1, 2)
    torch.save(state, tmp_path / "edge.pt")
    facts = json.loads(sam2s("inspect", tmp_path / "edge.pt", "--json"))
    assert facts["family"]["name"] == "EdgeTAM"
    assert facts["modules"][-1] == {
        "module": "spatial_perceiver",
        "matched": 0,
        "missing": 0,
        "unexpected": 1,
        "misshaped": 0,
    }


def test_a_mapping_file_makes_a_renamed_network_ours(tmp_path, official):
    state = torch.load(official, weights_only=True)["model"]
    torch.save({f"module.net.{name}": tensor for name, tensor in state.items()}, tmp_path / "renamed.pt")
    (tmp_path / "names.yaml").write_text("prefix: module.\nrename:\n  - ['^net[.]', '']\n")
    sam2s("convert", tmp_path / "renamed.pt", tmp_path / "ours.safetensors", "--mapping", tmp_path / "names.yaml")
    loaded = load_checkpoint(tmp_path / "ours.safetensors")
    assert loaded.config.name == "micro"
    assert torch.equal(loaded.state["no_mem_embed"], state["no_mem_embed"].half())


def test_push_writes_the_card_and_refuses_figures_without_commands(tmp_path):
    rows = tmp_path / "rows.json"
    rows.write_text('[{"data": "davis", "J&F": 56.3, "command": "sam2s eval --data davis"}]')
    sam2s("push", "micro", "lab/micro", "--out", tmp_path / "card", "--figures", rows)
    card = (tmp_path / "card/README.md").read_text()
    assert "| davis | 56.3 | `sam2s eval --data davis` |" in card
    assert 'sam2s.load("hf:lab/micro")' in card
    rows.write_text('[{"data": "davis"}]')
    done = CliRunner().invoke(app, ["weights", "push", "micro", "lab/micro", "--figures", str(rows)])
    assert isinstance(done.exception, ConfigError)
    assert "each with the key 'command'" in str(done.exception)


def test_average_and_calibrate(tmp_path):
    for seed in (0, 1):
        network = nano(seed)
        save_checkpoint(tmp_path / f"{seed}.safetensors", network.state_dict(), network.config, Metadata())
    both, ready = tmp_path / "both.safetensors", tmp_path / "ready.safetensors"
    shown = sam2s("average", tmp_path / "0.safetensors", tmp_path / "1.safetensors", both, "--share", "0.25")
    assert "75% of" in shown
    assert "25% of" in shown
    expected = 0.75 * nano(0).no_obj_ptr + 0.25 * nano(1).no_obj_ptr
    assert torch.allclose(load_checkpoint(both)[1]["no_obj_ptr"].float(), expected, atol=2e-3)
    shown = sam2s("calibrate", both, ready, "--videos", "1")
    threshold = load_checkpoint(ready)[0].confident_iou
    assert 0 < threshold < 1
    assert f"above {threshold:.3f} are confident" in shown


def test_the_list_needs_no_torch():
    code = (
        "import sys; from typer.testing import CliRunner; from sam2s.cli import app\n"
        "answer = CliRunner().invoke(app, ['weights', 'list']); assert 'micro' in answer.stdout, answer\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
