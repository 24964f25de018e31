"""The example that tracks with numpy and onnxruntime alone: the same masks, no PyTorch, no sam2s."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sam2s
from model_tools import nano
from sam2s.onnx import export
from tracking_tools import movie

pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")

PROGRAM = Path(__file__).parents[2] / "examples" / "onnx_track.py"
ALONE = """
import builtins, runpy, sys
real = builtins.__import__
def guarded(name, *args, **kwargs):
    if name.partition(".")[0] in ("torch", "sam2s", "PIL", "scipy", "safetensors"):
        raise ImportError(name + " is forbidden here")
    return real(name, *args, **kwargs)
builtins.__import__ = guarded
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    held = {"torch", "sam2s", "PIL"} & set(sys.modules)
    assert not held, held
"""


@pytest.fixture(scope="module")
def program():
    """The example as a module."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("onnx_track", PROGRAM)
    module = module_from_spec(spec)
    sys.modules["onnx_track"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["onnx_track"]


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """Networks without and with semantics; every frame is confident enough for the long-term memory."""
    folders = {}
    for name, settings in {
        "plain": {},
        "semantic": {"semantic": "joint", "categories": ("grasper", "liver"), "presence_scale": 0.5},
    }.items():
        folders[name] = tmp_path_factory.mktemp("graphs") / name
        export(nano(confident_iou=0.0, **settings), folders[name])
    return folders


@pytest.mark.parametrize("size", [(64, 64), (90, 160), (37, 23)])
def test_pictures_are_resized_as_pillow_does(program, size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    right = np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BICUBIC))
    assert np.array_equal(program.resize_bicubic(image, 64), right)


@pytest.mark.parametrize("size", [(64, 64), (90, 161), (10, 12), (16, 16)])
def test_logits_are_resized_as_torch_does(program, size):
    logits = np.random.default_rng(2).standard_normal((16, 16)).astype(np.float32)
    right = torch.nn.functional.interpolate(torch.from_numpy(logits)[None, None], size, mode="bilinear")[0, 0].numpy()
    # To the bit on processors that multiply and add in one step.
    assert np.abs(program.resize_bilinear(logits, size) - right).max() < 1e-6


def test_prompts_of_the_command_line(program):
    found = program.read_prompts(["1@0:1,2,30,40"], ["1@0:5,6", "2@7:8,9"])
    assert found == {0: {1: program.Prompt((1, 2, 30, 40), ((5, 6),))}, 7: {2: program.Prompt(None, ((8, 9),))}}


def test_confidence_is_of_what_is_said(program):
    seen, gone = program.Answer(np.ones(1), 0.8, 0.9), program.Answer(np.zeros(1), 0.8, 0.1)
    assert (seen.confidence, gone.confidence) == (0.8, 0.9)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "semantic"])
def test_masks_are_those_of_the_package(program, graphs, kind):
    tracker, alone = sam2s.Tracker(sam2s.load(graphs[kind])), program.OnnxTracker(graphs[kind], threads=1)
    for index, frame in enumerate(movie(40)):
        prompts = {}
        if index == 0:
            prompts[1] = program.Prompt(box=(4, 4, 40, 30))
            tracker.add_prompt(object_id=1, prompt=sam2s.Box(4, 4, 40, 30))
        if index == 3:
            prompts[2] = program.Prompt(points=((20, 20), (3, 3)), labels=(1, 0))
            tracker.add_prompt(object_id=2, prompt=sam2s.Points([(20, 20), (3, 3)], [1, 0]))
        if index in (9, 20):  # where an object is, on a later frame
            prompts[1] = program.Prompt(points=((12, 14),))
            tracker.add_prompt(object_id=1, prompt=sam2s.Points([(12, 14)]))
        right, found = tracker.step(frame).objects, alone.step(frame, prompts)
        assert list(found) == list(right)
        for object_id, answer in found.items():
            assert np.array_equal(answer.mask, right[object_id].mask), (index, object_id)
            assert answer.iou == pytest.approx(right[object_id].iou, abs=1e-5)
            assert answer.presence == pytest.approx(right[object_id].presence, abs=1e-5)
    assert [len(alone._memories[i].long_term) for i in (1, 2)] == [4, 4]
    assert [len(tracker.tracks[i].bank.long_term) for i in (1, 2)] == [4, 4]


@pytest.mark.slow
def test_the_program_needs_neither_torch_nor_sam2s_and_can_be_cancelled(graphs, tmp_path):
    frames = movie(12)
    np.save(tmp_path / "video.npy", frames)
    command = [sys.executable, "-c", ALONE, str(PROGRAM), str(graphs["plain"]), "video.npy", "--box", "1@0:4,4,40,30"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("confidence") == 12
    kept = np.load(tmp_path / "masks.npz")
    tracker = sam2s.Tracker(sam2s.load(graphs["plain"]))
    tracker.add_prompt(object_id=1, prompt=sam2s.Box(4, 4, 40, 30))
    right = [tracker.step(frame).objects[1] for frame in movie(12)]
    assert np.array_equal(kept["masks_1"], [answer.mask for answer in right])
    assert kept["frames_1"][:, 0].tolist() == list(range(12))
    assert kept["frames_1"][:, 1] == pytest.approx([answer.iou for answer in right], abs=1e-5)

    np.save(tmp_path / "video.npy", np.repeat(frames, 400, axis=0))
    with subprocess.Popen([*command, "--out", "part.npz"], cwd=tmp_path, env=environment, stdout=-1, text=True) as run:
        for _ in range(3):
            assert "confidence" in run.stdout.readline()
        run.send_signal(signal.SIGINT)
        assert run.stdout.read().endswith("stopped\n")
    assert run.returncode == 0
    assert 3 <= len(np.load(tmp_path / "part.npz")["masks_1"]) < 4800
