"""What cannot be exported or opened is refused before anything is written."""

import importlib.util
import sys

import pytest

import sam2s
from model_tools import NANO, nano
from sam2s.errors import CheckpointError, ConfigError, MissingExtraError, OutputError
from sam2s.model import build
from sam2s.onnx import FILE, export
from sam2s.onnx.export import constants
from sam2s.onnx.graphs import parts, sizes

needs_extra = pytest.mark.skipif(
    not (importlib.util.find_spec("onnx") and importlib.util.find_spec("onnxscript")), reason="needs the extra onnx"
)


def test_weights_are_not_taken_for_an_export():
    with pytest.raises(CheckpointError, match=r"micro holds no sam2s-onnx\.json; make it with: sam2s export onnx"):
        sam2s.load("micro", backend="onnx")


@needs_extra
def test_export_touches_no_folder_of_another_kind(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="is not empty and holds no earlier export; choose another --out"):
        export(nano(), tmp_path)
    with pytest.raises(ConfigError, match="precision 'int4' is not one of float32, float16, int8"):
        export(nano(), tmp_path / "new", precision="int4")
    with pytest.raises(
        ConfigError, match="a network in bfloat16 on cpu cannot be exported; load it in fp32 on the cpu"
    ):
        export(build(NANO).bfloat16(), tmp_path / "new")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


@needs_extra
def test_export_replaces_nothing_but_an_export(tmp_path):
    (tmp_path / FILE).write_text("earlier")
    (tmp_path / "semantics.onnx").touch()
    (tmp_path / "notes.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"would be replaced as a whole: notes\.txt; move that away"):
        export(nano(), tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "years of work"
    with pytest.raises(OutputError, match=r"notes\.txt is a file, not a folder; choose another --out"):
        export(nano(), tmp_path / "notes.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"cannot read .*sam2s-onnx\.json .*; export the network again"),
        ('{"version": 1}', r"cannot read .*sam2s-onnx\.json .*; export the network again"),
        ('{"version": 99}', "was exported by another version of sam2s; export the network again"),
    ],
)
def test_damaged_descriptions(text, message, tmp_path):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(CheckpointError, match=message):
        sam2s.load(tmp_path)


@needs_extra
def test_a_failed_export_leaves_the_earlier_one(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / FILE).write_text("earlier")

    def fail(part):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(nano(), out, report_progress=fail)
    assert [file.name for file in tmp_path.iterdir()] == ["out"]
    assert (out / FILE).read_text() == "earlier"


def test_without_the_extra_its_name_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        MissingExtraError,
        match=r"an export needs onnx; install it in the clone of sam2s with: pip install '\.\[onnx\]'",
    ):
        export(nano(), tmp_path / "new")


@pytest.mark.parametrize("semantic", ["off", "joint"])
def test_parts_take_and_give_the_shapes_they_state(semantic):
    """Every part runs on its own example, which is what the exporter traces."""
    model = nano(semantic=semantic, categories=("grasper",))
    letters = {"K": 1}
    for part in parts(model.config):
        found = [x for x in part.compute(model, *part.example(model.config).values()) if x is not None]
        stated = [
            tuple(letters[s] if s in letters else sizes(s, model.config)[0] for s in shape.split())
            for shape in part.outputs.values()
        ]
        if part.name == "prompt_encoder":
            stated[0] = (stated[0][0], stated[0][1] + 1, stated[0][2])  # the list is closed by one point that is none
        assert [tuple(x.shape) for x in found] == stated, part.name
    assert ("cls_token" in constants(model)) == (semantic != "off")
