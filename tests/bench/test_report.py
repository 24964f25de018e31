"""What was measured is told with the right numbers."""

import json

import pytest

from sam2s.bench.against import SideTimes, SpeedComparison
from sam2s.bench.report import comparison_table, runs_table, to_json
from sam2s.bench.stages import ORDER, TrackingTimes

TIMES = TrackingTimes(2, 12.5, [float(ms) for ms in range(1, 101)], dict.fromkeys(ORDER, 1.25) | {"rest": 3.5}, 321)
OURS = SideTimes("sam2s", 50.0, 10.0, 12.0, 8.0, 300, 0.5)
THEIRS = SideTimes("official", 80.0, 25.0, 31.0, 24.0, 500, 40.0)


def test_percentiles_and_rates_are_of_the_live_frames():
    assert TIMES.percentile(50) == 50.5
    assert TIMES.percentile(99) == pytest.approx(99.01)
    assert TIMES.live_fps == pytest.approx(1000 / 50.5)
    data = TIMES.to_json()
    assert (data["objects"], data["offline_fps"], data["live_fps"], data["p95_ms"]) == (2, 12.5, 19.8, 95.05)
    assert data["stages_ms"]["rest"] == 3.5
    assert len(data["live_ms"]) == 100


def test_the_table_has_a_row_for_each_number_of_objects():
    head, line, row, *_ = runs_table([TIMES, TIMES]).splitlines()
    assert head.startswith("| objects | offline FPS | live FPS | p50 | p95 | p99 | decode |")
    assert line.count("---:") == head.count("|") - 1
    assert row == "| 2 | 12.5 | 19.8 | 50.5 | 95.0 | 99.0 | 1.2 | 1.2 | 1.2 | 1.2 | 1.2 | 3.5 | 1.2 | 321 |"


def test_a_comparison_tells_how_often_theirs_takes_as_long():
    comparison = SpeedComparison(OURS, THEIRS, 0.0001, 2e-5, without_cls=False)
    assert comparison.speedup == 2.5
    table = comparison_table(comparison)
    assert "| sam2s | 10.0 | 12.0 | 8.0 | 50.0 | 300 | 0.5 |" in table
    assert "| official | 25.0 | 31.0 | 24.0 | 80.0 | 500 | 40.0 |" in table
    assert table.endswith("sam2s is 2.50 times as fast; 0.0100 % of mask pixels differ, logits by 2.0e-05 at most")
    data = json.loads(json.dumps(to_json({"frames": 60}, [TIMES], comparison)))
    assert (data["frames"], data["against"]["speedup"], data["against"]["processor_speedup"]) == (60, 2.5, 3.0)
    assert "against" not in to_json({}, [TIMES], None)
