"""The ablation: its scenes, its statistics, and that it keeps what is done."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sam2s.errors import OutputError
from sam2s.evaluation.sequence import FrameScore, ObjectScore
from sam2s.sasv.fixtures.drawing import disc, picture, save
from sam2s.synth import Scene
from sam2s.training.recipe import load_recipe

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from ablation import REFERENCE, ROWS, benchmark, by_scene, edge_error, paired_gain, write


def outcome(**jf_by_scene):
    """Scores with J = F = the given value, one object a scene; scene "a" has a second one that is perfect."""
    one = ObjectScore("", 1, ("0",), (FrameScore(1.0, 1.0, True, True, 1),))
    scores = [replace(one, video="a", object_id=2)]
    for video, value in jf_by_scene.items():
        scores.append(replace(one, video=video, frame_scores=(FrameScore(value, value, True, True, 1),)))
    return SimpleNamespace(scores=scores)


def test_another_number_of_scenes_is_refused(tmp_path):
    for number in range(2):
        for kind, pixels in (("frames", picture()), ("masks", disc(20, 20, 8))):
            save(tmp_path / f"reentry/{number:03}/{kind}/00000.png", pixels)
    assert len(benchmark(tmp_path, 2, 1)) == 2
    with pytest.raises(OutputError, match="holds 2 scenes, not 4; use --scenes 2, or another --out"):
        benchmark(tmp_path, 4, 1)


def test_scenes_show_both_tools_at_first_and_know_their_names(tmp_path, monkeypatch):
    videos = benchmark(tmp_path / "b", 2, 3)
    for video in videos:
        first = video.truth(0)
        assert set(first) == {1, 2}
        assert all(mask.mean() >= 0.01 for mask in first.values())
        assert len(set(video.categories.values())) == 2
    monkeypatch.setattr("ablation.LEAST", 0.9)
    assert not write(Scene(600_000, 128, 3, kind="reentry"), tmp_path / "none")
    assert not (tmp_path / "none").exists(), "a scene that hides a tool at first is left out whole"


def test_objects_of_a_scene_are_averaged_before_scenes_are():
    assert by_scene(outcome(a=0.5, b=0.25)) == {"a": 75.0, "b": 25.0}


def test_gains_are_paired_over_scenes_and_averaged_over_seeds_first():
    """Differences of 10 and 20 points: mean 15, standard error 5, interval 5 times 12.706."""
    reference = [outcome(b=0.2, c=0.2), outcome(b=0.4, c=0.4)]
    row = [outcome(b=0.4, c=0.5)]
    mean, half = paired_gain(row, reference)
    differences = [0.0, 10.0, 20.0]  # scene a has no difference
    assert mean == pytest.approx(np.mean(differences))
    assert half == pytest.approx(4.302653 * np.std(differences, ddof=1) / np.sqrt(3), rel=1e-5)


def test_rows_differ_as_they_say_and_all_see_the_same_absence():
    trained = {
        name: load_recipe("ablation/synthetic", row.changes) for name, row in ROWS.items() if row.changes is not None
    }
    assert {recipe.data.clips.absent for recipe in trained.values()} == {0.2}
    for name, recipe in trained.items():
        everything = name.startswith("all")
        assert (recipe.data.clips.divemem > 0) == ("DiveMem" in name or everything)
        assert (recipe.loss.tsl > 0) == ("TSL" in name or everything)
        assert recipe.loss.arl == everything
        assert (ROWS[name].memory == "divemem") == ("DiveMem" in name or everything)
    assert set(REFERENCE.values()) <= set(ROWS)


def test_errors_at_outlines_are_of_a_probability():
    assert 0 < edge_error("micro", scenes=1) < 100


@pytest.mark.slow
def test_one_command_makes_the_table_and_goes_on_where_it_was(tmp_path):
    command = [
        sys.executable,
        "benchmarks/ablation.py",
        "--out",
        tmp_path,
        "--scenes",
        "2",
        "--length",
        "24",
        "--seeds",
        "1",
    ]
    command += ["--base-steps", "1", "--steps", "1", "--row", "none", "--row", "data", "--row", "data + TSL"]
    for _ in range(2):
        done = subprocess.run(list(map(str, command)), cwd=Path(__file__).parents[1], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| none", "| data", "| data + TSL"]
    assert done.stdout.rstrip().endswith(lines[-1])
