"""`sam2s bench` measures what it says, and says what it measured on."""

import json

import pytest
import torch
from typer.testing import CliRunner

from sam2s.bench.film import film
from sam2s.cli import app

SMALL = ["bench", "--image-size", "64", "--frames", "12", "--device", "cpu"]


def run(*arguments):
    return CliRunner().invoke(app, [*SMALL, *arguments])


def test_every_stage_of_every_number_of_objects():
    done = run("--objects", "1,3", "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert torch.__version__ in data["hardware"]
    assert [r["objects"] for r in data["runs"]] == [1, 3]
    for found in data["runs"]:
        assert found["offline_fps"] > 0
        assert found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]
        assert len(found["live_ms"]) == 12 - 5
        assert set(found["stages_ms"]) == {"decode", "encode", "attend", "decode mask", "remember", "rest", "write"}
        assert min(found["stages_ms"].values()) > 0
        assert found["peak_mib"] > 50


def test_tables_and_curves(tmp_path):
    pytest.importorskip("matplotlib")
    done = run("--objects", "1,2", "--plot", str(tmp_path / "cost.svg"))
    assert done.exit_code == 0, done.output
    assert "| objects | offline FPS | live FPS | p50 |" in done.output
    assert (tmp_path / "cost.svg").read_text().startswith("<?xml")


@pytest.mark.slow
def test_transformers_beside_ours():
    pytest.importorskip("transformers")
    done = run("--weights", "random:tiny", "--objects", "1", "--against", "transformers", "--json")
    assert done.exit_code == 0, done.output
    against = json.loads(done.stdout)["against"]
    assert against["differing_pixels"] < 1e-3
    assert against["speedup"] > 0


@pytest.mark.parametrize("wrong", ["0,2", "one", ""])
def test_numbers_of_objects_are_numbers(wrong):
    assert "is not a list of numbers" in str(run("--objects", wrong).exception)


def test_the_film_moves():
    first, second = film(2, 60, 100)
    assert first.shape == (60, 100, 3)
    assert (first != second).any()


@pytest.mark.parametrize("batched", ["padded", "graphs"])
def test_objects_put_together_are_measured_and_named(batched):
    done = run("--objects", "2", "--json", "--batched", batched)
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["batched"] == batched
    (found,) = data["runs"]
    assert found["stages_ms"]["attend"] > 0
    assert found["live_fps"] > 0


def test_batching_beside_others_is_refused():
    assert "omit --batched" in str(run("--batched", "padded", "--against", "transformers").exception)
