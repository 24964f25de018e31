"""Rows that are added to a table later."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from evaluation_tools import write_sequence
from sam2s.cli import app
from sam2s.errors import CheckpointError, OutputError
from sam2s.evaluation.plan import EvalRun
from sam2s.evaluation.rows import add_rows, known_rows
from sam2s.evaluation.rules import Prompting


@pytest.fixture
def data(tmp_path):
    for number, name in enumerate(("a/one", "a/two")):
        write_sequence(tmp_path / "data" / name, seed=number)
    return tmp_path / "data"


def labels(tmp_path, *words, data=None, code=0):
    place = ["--data", str(data or tmp_path / "data"), "--out", str(tmp_path / "out"), "--prompt", "mask"]
    done = CliRunner().invoke(app, ["eval", *place, "--json", *words])
    assert done.exit_code == code, done.output
    document = json.loads(done.stdout)
    return [row["label"] for row in document["runs"]], document["left_out"]


def test_rows_of_several_commands_stand_in_one_table(data, tmp_path):
    assert labels(tmp_path, "--method", "copy") == (["copy"], [])
    assert labels(tmp_path, "--method", "again=flow") == (["copy", "again"], [])
    text = (tmp_path / "out/report.md").read_text()
    assert "**copy**" in text
    assert "**again**" in text
    shutil.rmtree(tmp_path / "out/copy-mask")
    assert labels(tmp_path, "--method", "again=flow") == (["again"], [])


def test_rows_of_other_videos_are_left_out_by_name(data, tmp_path):
    labels(tmp_path, "--method", "copy")
    other = write_sequence(tmp_path / "other/c/three", seed=7).parents[1]
    assert labels(tmp_path, "--method", "flow", data=other) == (["flow"], ["copy (mask)"])
    assert "Rows that were made on other videos are left out: copy (mask)." in (tmp_path / "out/report.md").read_text()


def test_a_row_that_lacks_videos_does_not_fail_another_command(data, tmp_path):
    labels(tmp_path, "--method", "copy")
    write_sequence(data / "a/three", seed=3)
    assert labels(tmp_path, "--method", "flow") == (["copy", "flow"], [])


def test_weights_that_do_not_exist_stop_the_command(data, tmp_path):
    words = ["eval", "--data", str(data), "--out", str(tmp_path / "out"), "--weights", "micro"]
    with pytest.raises(CheckpointError, match=r"nowhere\.safetensors"):
        CliRunner().invoke(app, [*words, "--weights", "nowhere.safetensors"], catch_exceptions=False)
    assert not list((tmp_path / "out").rglob("*.json"))


def test_a_row_takes_the_place_of_one_of_its_name(tmp_path):
    first, second = (EvalRun("a", method, Prompting.MASK) for method in ("copy", "flow"))
    (tmp_path / first.folder).mkdir()
    assert add_rows(tmp_path, [first]) == [first]
    assert add_rows(tmp_path, [second]) == known_rows(tmp_path) == [second]


def test_a_damaged_list_is_named(tmp_path):
    (tmp_path / "rows.json").write_text('[{"label": "a"}]')
    with pytest.raises(OutputError, match=r"cannot read .*rows.json: .*; remove it"):
        known_rows(tmp_path)
