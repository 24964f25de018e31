"""The course of a run as a picture: loss above, scores on held-out videos below (SVG, for any browser)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

from sam2s.files import write_atomically

WIDTH, HEIGHT, LEFT, RIGHT, TOP = 720, 220, 60, 150, 28
COLOURS = ("#1b6ca8", "#c0392b", "#1e8449", "#7d3c98", "#b9770e", "#34495e")
POINTS = 400
"""Most points of a line; more are averaged."""

Line = list[tuple[float, float]]


def read_log(path: Path) -> list[dict[str, float]]:
    """The records of a run's log; a line that a kill cut is left out."""
    records = []
    for line in path.read_text("utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "step" in record:
            records.append(record)
    return records


def lines_of(records: Sequence[Mapping[str, float]], prefix: str) -> dict[str, Line]:
    """By name, (step, value) of all numbers whose name begins so; long lines are averaged to `POINTS`."""
    lines: dict[str, Line] = {}
    for record in records:
        if "start_share" in record:
            continue  # an average with the weights of the start, which is not a step of the run
        for name, value in record.items():
            if name.startswith(prefix):
                lines.setdefault(name, []).append((record["step"], value))
    return {name: _thinned(line) for name, line in lines.items()}


def draw_curve(records: Sequence[Mapping[str, float]]) -> str:
    """SVG of the loss, and of J&F by prompt where it was measured, over steps."""
    panels = [("loss", {"loss": lines_of(records, "loss").get("loss", [])})]
    if scores := lines_of(records, "val_jf"):
        panels.append(("J&F on held-out videos, %", scores))
    height = len(panels) * (HEIGHT + TOP) + 30
    parts = [_panel(title, lines, n * (HEIGHT + TOP) + TOP) for n, (title, lines) in enumerate(panels)]
    style = "text{font:12px sans-serif;fill:#333}path{fill:none;stroke-width:1.6}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def write_curve(folder: Path) -> None:
    """Write `curve.svg` beside the log of a run."""
    write_atomically(folder / "curve.svg", draw_curve(read_log(folder / "log.jsonl")).encode())


def _panel(title: str, lines: Mapping[str, Line], top: float) -> str:
    """One pair of axes with its lines and their names; `top` is where it begins."""
    points = [point for line in lines.values() for point in line]
    if not points:
        return ""
    steps, values = [step for step, _ in points], [value for _, value in points]
    low, high = min(values), max(values)
    high = high if high > low else low + 1
    last = max(max(steps), 1)

    def place(step: float, value: float) -> str:
        x = LEFT + step / last * (WIDTH - LEFT - RIGHT)
        return f"{x:.1f} {top + (HEIGHT - 30) * (1 - (value - low) / (high - low)):.1f}"

    bottom, right = top + HEIGHT - 30, WIDTH - RIGHT
    drawn = [
        f'<text x="{LEFT}" y="{top - 10}">{escape(title)}</text>',
        f'<path stroke="#999" d="M{LEFT} {top}V{bottom}H{right}"/>',
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{high:.4g}</text>',
        f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">{low:.4g}</text>',
        f'<text x="{right}" y="{bottom + 16}" text-anchor="end">step {last:,.0f}</text>',
    ]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        drawn.append(f'<path stroke="{colour}" d="M{"L".join(place(*point) for point in line)}"/>')
        label = f"{name.removeprefix('val_jf_')} {line[-1][1]:.3g}"
        drawn.append(f'<text x="{right + 8}" y="{top + 12 + 16 * number}" style="fill:{colour}">{escape(label)}</text>')
    return "".join(drawn)


def _thinned(line: Line) -> Line:
    if len(line) <= POINTS:
        return line
    edges = [round(i * len(line) / POINTS) for i in range(POINTS + 1)]
    groups = [line[a:b] for a, b in pairwise(edges)]
    return [(sum(s for s, _ in g) / len(g), sum(v for _, v in g) / len(g)) for g in groups]
