"""The re-entry benchmark: its scenes, its scores and its statistics by hand; and the command once, small."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import reentry
from reentry import BACK, STAY, TARGET, TWIN, TwinScene, paired, scenes, score, table


def test_the_tool_is_away_for_the_gap_and_its_twin_stays():
    scene = next(scenes(64, 6))
    seen = [{n for n in (TARGET, TWIN) if (scene.render(t)[1] == n).any()} for t in range(len(scene))]
    assert len(seen) == STAY + 6 + BACK
    assert all(TWIN in frame for frame in seen)
    away = [t for t, frame in enumerate(seen) if TARGET not in frame]
    assert set(range(STAY, STAY + 6)) <= set(away)
    assert {0, STAY - 4, len(scene) - 1}.isdisjoint(away)
    assert len({item.name for item in scene.objects}) == 1
    again = TwinScene(scene.seed, 64, 6)
    assert np.array_equal(again.render(20)[0], scene.render(20)[0])


def labels(target, twin=(4, 8)):
    picture = np.zeros((8, 8), np.uint8)
    picture[:, slice(*twin)] = TWIN
    if target:
        picture[:, slice(*target)] = TARGET
    return picture


def shown(index, mask):
    return SimpleNamespace(index=index, objects={TARGET: SimpleNamespace(mask=mask)})


def test_each_measure_counts_its_own_frames():
    """Nine frames: target before, away from frame 4 to 6, then back; masks right, on nothing, and on the twin."""
    with_target, without = labels((0, 2)), labels(None)
    truth = [with_target] * 4 + [without] * 3 + [with_target] * 2
    right, nothing, on_twin = with_target == TARGET, np.zeros((8, 8), bool), without == TWIN
    masks = [right, right, right, nothing, on_twin, nothing, right, right, on_twin]
    before, back = reentry.STAY, 3
    reentry.STAY = 3
    try:
        values = score([shown(index, mask) for index, mask in enumerate(masks)], truth, back)
    finally:
        reentry.STAY = before
    assert values["before"] == pytest.approx(100 * 2 / 3)  # frame 0 is given, 3 is missed
    assert values["false"] == pytest.approx(100 * 2 / 3)  # frames 4 and 6
    assert values["switched"] == pytest.approx(100 * 2 / 8)  # frames 4 and 8
    assert values["back"] < 60  # frame 7 is right, 8 is on the twin


def rows(**values):
    """A row of each scene for the two policies, all measures alike."""
    made = []
    for memory, numbers in values.items():
        name = memory.replace("_", "+")
        for scene, number in enumerate(numbers):
            row = {"gap": 2 + scene % 2, "scene": scene, "memory": name, "encoder": 5.0}
            made.append(row | dict.fromkeys(reentry.MEASURES, number))
    return made


def test_gains_are_paired_over_scenes():
    made = rows(sam2=[1.0, 2.0, 3.0, 9.0], sam2_search=[2.0, 3.0, 5.0])
    mean, half = paired(made, "sam2+search", "sam2", "back")
    assert mean == pytest.approx(4 / 3)
    assert half == pytest.approx(4.303 * (1 / 3) ** 0.5 / 3**0.5, abs=1e-3)  # Student's t of two degrees of freedom
    assert paired(rows(sam2=[1.0], sam2_search=[2.0]), "sam2+search", "sam2", "back") == (1.0, np.inf)


def test_the_table_has_policies_gains_and_gaps():
    text = table(rows(sam2=[1.0, 3.0], sam2_search=[2.0, 6.0]))
    assert "| `sam2` | 2.0 |" in text
    assert "| gain | +2.0 ± 12.7 |" in text
    assert "| 2 | 1 | 1.0 / 1.0 | 2.0 / 2.0 |" in text
    assert "took 5.0 ms a frame" in text


@pytest.mark.slow
def test_the_command_keeps_what_is_done(tmp_path, monkeypatch, capsys):
    flags = ["--out", str(tmp_path), "--gaps", "2", "--scenes", "1", "--size", "64", "--memory", "sam2", "sam2+search"]
    monkeypatch.setattr(sys, "argv", ["reentry.py", *flags])
    reentry.main()
    first = (tmp_path / "rows.jsonl").read_text()
    assert [json.loads(line)["memory"] for line in first.splitlines()] == ["sam2", "sam2+search"]
    assert (tmp_path / "table.md").read_text() == capsys.readouterr().out
    reentry.main()
    assert (tmp_path / "rows.jsonl").read_text() == first
