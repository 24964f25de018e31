"""Progress where stderr is no terminal: lines, not silence and not a bar."""

import re

from sam2s.cli import progress as module
from sam2s.cli.progress import progress


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
