"""Progress on standard error: bars in a terminal, lines elsewhere, nothing if it is asked for."""

import re

import pytest

from sam2s.cli import progress as module
from sam2s.cli.progress import progress, stage_progress


def test_lines_every_so_often_where_there_is_no_terminal(capsys, monkeypatch):
    now = iter([0.0, 0.0, 40.0, 50.0, 95.0, 100.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    with progress("videos") as report:
        for done, name in ((2, ""), (4, "a/one"), (5, "a/two"), (6, "b/three"), (10, "b/four")):
            report(done, 10, name)
    assert capsys.readouterr().err.splitlines() == [
        "4 of 10 videos after 40 s, about 2 min 00 s left (a/one)",
        "6 of 10 videos after 1 min 35 s, about 1 min 35 s left (b/three)",
        "10 of 10 videos after 1 min 40 s (b/four)",
    ]


def test_short_work_says_nothing(capsys):
    with progress("frames") as report:
        report(0, 2, "")
        report(2, 2, "x")
    assert capsys.readouterr().err == ""


def test_a_bar_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True)
    for refresh_thread in (True, False):
        with progress("frames", refresh_thread=refresh_thread) as report:
            report(1, 2, "x")
            report(2, 2, "y")
        assert re.search(r"frames.*2/2", capsys.readouterr().err, re.S)


def test_lines_without_a_total(capsys, monkeypatch):
    now = iter([0.0, 0.0, 40.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    with progress("frames") as report:
        report(1, None)
        report(300, None)
    assert capsys.readouterr().err == "300 frames after 40 s\n"


def test_an_error_before_any_progress_shows_no_bar(capsys):
    with pytest.raises(ValueError, match="no"), stage_progress():
        raise ValueError("no")
    assert capsys.readouterr().err == ""


def test_a_bar_for_each_stage(capsys):
    with stage_progress() as report_progress:
        report_progress("tracking", 3, 5)
        report_progress("export", 1, None)
    shown = capsys.readouterr().err
    assert "3/5" in shown
    assert "1/?" in shown


def test_quiet_shows_nothing(capsys):
    with progress("frames", quiet=True) as report, stage_progress(quiet=True) as report_progress:
        report(1, 2, "a")
        report_progress("tracking", 1, 2)
    assert capsys.readouterr().err == ""
