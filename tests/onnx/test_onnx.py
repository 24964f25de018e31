"""An exported network tracks as the one in PyTorch does, for any number of objects."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import sam2s
from model_tools import NANO, fixed_weights, nano
from sam2s.cli import app
from sam2s.errors import CheckpointError, ConfigError, PromptError
from sam2s.evaluation.agreement import agreement
from sam2s.memory import MemoryPolicy
from sam2s.model import LONG_TERM_SLOT, Memory, build, preset
from sam2s.onnx import FILE, export
from sam2s.onnx.graphs import VARIABLE, parts
from sam2s.quality import prompt_agreement
from sam2s.tracking import Box, Points
from sam2s.tracking.feature_prefetch import encode
from sam2s.tracking.preprocess import convert_prompt
from sam2s.video import Frame
from tracking_tools import bits, movie

pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")
pytestmark = pytest.mark.slow  # to write graphs takes half a minute

TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def model():
    return nano(semantic="joint", categories=("grasper", "liver", "needle"))


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "nano"
    export(model, path)
    return path


@pytest.fixture(scope="module")
def exported(folder):
    return sam2s.load(folder)


def test_whole_tracking_run_agrees_with_pytorch(model, exported):
    found = agreement(model, exported, frames=12, size=64)
    assert found.masks >= 3 * 8
    assert found.long_term == 3 * MemoryPolicy().places
    assert found.logits < TOLERANCE
    assert found.iou > 0.9999


def test_doubt_about_a_prompt_agrees(model, exported):
    frame = Frame(movie(1)[0], 0)
    for prompt in (Points([(40, 20)]), Box(10, 5, 40, 30)):
        given = convert_prompt(prompt, frame.image.shape[:2], 64)
        plain, graphs = (prompt_agreement(network, encode(network, [frame]), given) for network in (model, exported))
        assert graphs == pytest.approx(plain, abs=0.02)


def test_names_of_objects_agree(model, exported):
    results = []
    for network in (model, exported):
        tracker = sam2s.Tracker(network)
        tracker.add_prompt(object_id=1, prompt=sam2s.Box(4, 4, 40, 30))
        results.append([tracker.step(frame).objects[1] for frame in movie(3)])
    for ours, theirs in zip(*results, strict=True):
        assert ours.category == theirs.category is not None
        assert ours.category_probability == pytest.approx(theirs.category_probability, abs=1e-4)


@pytest.mark.parametrize(("objects", "maps", "pointers"), [(1, 1, 0), (1, 1, 1), (3, 11, 16), (2, 26, 31)])
def test_memories_of_any_length_and_any_number_of_objects(model, exported, objects, maps, pointers):
    generator = torch.Generator().manual_seed(maps)
    c = model.config
    embedding = torch.randn(1, c.hidden_dim, c.grid, c.grid, generator=generator)
    memory = Memory(
        torch.randn(objects, maps, c.mem_dim, c.grid, c.grid, generator=generator),
        tuple(i % (LONG_TERM_SLOT + 1) for i in range(maps)),
        torch.randn(objects, pointers, c.hidden_dim, generator=generator),
        torch.arange(pointers) / 15,
    )
    with torch.inference_mode():
        for ours, theirs in zip(model.attend(embedding, memory), exported.attend(embedding, memory), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_every_varying_dimension_stays_free_in_the_graphs(model, exported):
    for part in parts(model.config):
        for given in exported._sessions[part.name].get_inputs():
            letters = part.inputs[given.name].split()
            assert [isinstance(side, str) for side in given.shape] == [letter in VARIABLE for letter in letters]


def test_the_folder_says_what_it_holds(folder, model):
    facts = json.loads((folder / FILE).read_text())
    assert facts["network"]["config"]["image_size"] == model.image_size
    assert facts["graphs"]["memory_attention"]["inputs"]["maps"] == "B M D h h"
    assert {f"{name}.onnx" for name in facts["graphs"]} | {FILE, "constants.safetensors"} == {
        file.name for file in folder.iterdir()
    }


def test_the_command_line_tracks_with_it_and_goes_on_after_a_stop(folder, tmp_path):
    np.save(tmp_path / "clip.npy", movie(6))
    line = ["track", str(tmp_path / "clip.npy"), "--weights", str(folder), "--box", "1@0:4,4,40,30", "--export", "csv"]
    done = CliRunner().invoke(app, [*line, "--out", str(tmp_path / "run"), "--backend", "onnx", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["frames"] == 6


def test_a_session_reaches_any_frame(exported):
    with sam2s.VideoSession(exported, sam2s.open_source(movie(8)), snapshot_every=3) as session:
        session.add_prompt(frame=3, object_id=1, prompt=sam2s.Box(4, 4, 40, 30))
        first = [bits(result) for result in session.propagate(3, 7)]
        again = [bits(result) for result in session.propagate(5, 7)]
    assert torch.equal(first[2][1][0], again[0][1][0])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"image_size": 128}, "was exported for images of 64, not 128; export it again with --image-size 128"),
        ({"device": "cuda"}, "runs on the cpu, not 'cuda'; use --device cpu"),
        ({"precision": "bf16"}, "omit --precision bf16"),
        ({"backend": "torch"}, "is an exported network; omit --backend torch, or give weights"),
    ],
)
def test_what_an_export_has_settled_is_not_asked_for_otherwise(folder, asked, message):
    with pytest.raises(ConfigError, match=message):
        sam2s.load(folder, **asked)


def test_damaged_exports_are_named(folder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "mask_decoder.onnx").write_bytes(b"not a graph")
    with pytest.raises(CheckpointError, match=r"cannot open .*mask_decoder.onnx .*; export the network again"):
        sam2s.load(broken)
    (broken / FILE).write_text('{"version": 1}')
    with pytest.raises(CheckpointError, match=r"cannot read .*sam2s-onnx.json .*; export the network again"):
        sam2s.load(broken)
    (broken / FILE).write_text('{"version": 99}')
    with pytest.raises(CheckpointError, match="was exported by another version of sam2s; export the network again"):
        sam2s.load(broken)


def test_prompts_are_refused_as_always(exported):
    tracker = sam2s.Tracker(exported)
    tracker.add_prompt(object_id=1, prompt=sam2s.Points([(500, 10)]))
    with pytest.raises(PromptError, match="point 500,10 lies outside the frame"):
        tracker.step(movie(1)[0])


@pytest.mark.parametrize("semantic", ["off", "reader"])
def test_other_semantics(semantic, tmp_path):
    model = fixed_weights(build(replace(NANO, semantic=semantic)))
    export(model, tmp_path / "out")
    assert agreement(model, sam2s.load(tmp_path / "out"), frames=12, size=64).logits < TOLERANCE


@pytest.mark.parametrize(("precision", "least"), [("float32", 0.9999), ("float16", 0.98), ("int8", 0.8)])
def test_bundled_weights(precision, least, tmp_path):
    model = sam2s.load("micro", device="cpu")
    export(model, tmp_path / "out", precision=precision)
    found = agreement(model, sam2s.load(tmp_path / "out"))
    assert found.iou > least
    assert precision != "float32" or found.logits < TOLERANCE


def test_tiny_with_padded_windows(tmp_path):
    model = fixed_weights(build(preset("tiny", image_size=256)))
    export(model, tmp_path / "out")
    assert agreement(model, sam2s.load(tmp_path / "out"), frames=12).logits < TOLERANCE
