"""The course of a run as a picture."""

import xml.etree.ElementTree as ET

from sam2s.training.curve import POINTS, draw_curve, lines_of, read_log, write_curve

RECORDS = [
    {"step": 0, "val_jf": 40.0, "val_jf_mask": 50.0},
    {"step": 1, "loss": 4.0},
    {"step": 2, "loss": 2.0},
    {"step": 2, "val_jf": 60.0, "val_jf_mask": 70.0},
    {"step": 2, "start_share": 0.5, "val_jf": 99.0},
]
SVG = "{http://www.w3.org/2000/svg}"


def test_lines_hold_what_was_measured_of_the_run_itself():
    assert lines_of(RECORDS, "loss") == {"loss": [(1, 4.0), (2, 2.0)]}
    assert lines_of(RECORDS, "val_jf") == {"val_jf": [(0, 40), (2, 60)], "val_jf_mask": [(0, 50), (2, 70)]}


def test_long_lines_are_averaged():
    (line,) = lines_of([{"step": i, "loss": i % 2} for i in range(10 * POINTS)], "loss").values()
    assert len(line) == POINTS
    assert {value for _, value in line} == {0.5}
    assert [step for step, _ in line] == sorted(step for step, _ in line)


def test_both_panels_are_drawn_to_scale():
    root = ET.fromstring(draw_curve(RECORDS))
    paths = [path.get("d") for path in root.iter(f"{SVG}path") if path.get("stroke") != "#999"]
    assert len(paths) == 3
    (x0, high), (x1, low) = ([float(v) for v in point.split()] for point in paths[0].removeprefix("M").split("L"))
    assert x0 < x1
    assert high < low, "the loss falls, and SVG counts downwards"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "mask 70" in texts
    assert "J&F on held-out videos, %" in texts


def test_a_log_that_a_kill_cut(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1, "loss": 2}\n[1]\n{"step": 2, "lo')
    assert read_log(tmp_path / "log.jsonl") == [{"step": 1, "loss": 2}]
    write_curve(tmp_path)
    assert ET.parse(tmp_path / "curve.svg").getroot().tag == f"{SVG}svg"
