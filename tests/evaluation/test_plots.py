"""Pictures of scores: they exist, and no two labels lie on each other."""

from itertools import pairwise

import numpy as np
import pytest

from sam2s.evaluation import plots

pytest.importorskip("matplotlib")


@pytest.fixture
def figures(monkeypatch):
    made = []
    real = plots.empty_figure

    def empty_figure(path, **size):
        figure, save = real(path, **size)
        made.append(figure)
        return figure, save

    monkeypatch.setattr(plots, "empty_figure", empty_figure)
    return made


def labels_of(figure):
    figure.canvas.draw()
    return [label.get_window_extent() for label in figure.axes[0].get_xticklabels() if label.get_text()]


@pytest.mark.parametrize(
    "groups",
    [
        ["EV17", "EV18-I", "RARP50", "Hyst-YT", "CIS-Test", "EV18-T", "SurgAI3.8k", "PolypGen"],
        [f"a folder with a long name, number {n}" for n in range(9)],
        ["x"],
    ],
)
def test_names_of_groups_do_not_overlap(groups, figures, tmp_path):
    rows = {f"a tracker called {n}": dict.fromkeys(groups, 50.0 + n) for n in range(3)}
    plots.plot_bars(rows, tmp_path / "bars.png", "mask")
    boxes = labels_of(figures[0])
    assert len(boxes) == len(groups)
    assert all(a.x1 <= b.x0 for a, b in pairwise(sorted(boxes, key=lambda box: box.x0)))
    (legend,) = figures[0].legends
    drawn = figures[0].axes[0].get_tightbbox()
    assert not legend.get_window_extent().overlaps(drawn)
    heights = [bar.get_height() for bar in figures[0].axes[0].patches]
    assert heights == [50.0 + n for n in range(3) for _ in groups]


def test_a_row_may_lack_a_group(figures, tmp_path):
    plots.plot_bars({"a": {"x": 10.0, "y": 20.0}, "b": {"y": 30.0}}, tmp_path / "bars.png")
    heights = [bar.get_height() for bar in figures[0].axes[0].patches]
    assert heights[:2] == [10, 20]
    assert np.isnan(heights[2])
    assert heights[3] == 30


def test_first_frame_has_a_mark_for_every_click(figures, tmp_path):
    plots.plot_first_frame({"a": [0.4, 0.5, 0.6], "b": [0.3]}, tmp_path / "first.png")
    axes = figures[0].axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[40, 50, 60], [30]]
    assert axes.get_xticks().tolist() == [1, 2, 3]


def test_reliability_draws_bins_by_their_fill(figures, tmp_path):
    plots.plot_reliability({"a": [(0.25, 0.5, 1), (0.75, 0.6, 3)]}, tmp_path / "reliability.svg")
    axes = figures[0].axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0.25, 0.5], [0.75, 0.6]]
    small, large = axes.collections[0].get_sizes()
    assert large > small
    assert (tmp_path / "reliability.svg").read_text().startswith("<?xml")


def test_decay_is_in_percent_of_time_and_score(figures, tmp_path):
    plots.plot_decay({"a": np.array([1.0, 0.5]), "b": np.array([0.5, 0.25])}, tmp_path / "curve.png")
    first = figures[0].axes[0].lines[0]
    assert first.get_xdata().tolist() == [25, 75]
    assert first.get_ydata().tolist() == [100, 50]
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
