"""A few cases of every kind by default, ten minutes of them among the slow tests; see `run.py` beside this."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from fuzz.kinds import KINDS
from fuzz.mutate import bytes_of, json_of
from fuzz.run import fuzz, run_case

RUN = Path(__file__).parent / "run.py"


@pytest.mark.parametrize("kind", KINDS)
def test_some_cases_end_in_results_or_messages(kind):
    logging.disable()
    try:
        outcomes = {run_case(kind, number) for number in range(12)}
    finally:
        logging.disable(logging.NOTSET)
    assert outcomes <= {"result", "message"}


def test_a_case_is_the_same_again():
    for make in (lambda rng: bytes_of(rng, bytes(range(256)) * 4), lambda rng: json_of(rng, {"a": [1, {"b": "c"}]})):
        assert [make(Random(f"x {n}")) for n in range(20)] == [make(Random(f"x {n}")) for n in range(20)]
        assert len({make(Random(f"x {n}")) for n in range(20)}) > 10


def test_the_runner_counts_and_names_what_ends_otherwise(monkeypatch):
    shift = Random("rle -1").randrange(4)  # the case that only warms up ends well

    def drawn(rng):
        return (rng.randrange(4) - shift) % 4

    def case(rng, folder):
        return [lambda: "result", lambda: "message", lambda: 1 / 0, lambda: os._exit(3)][drawn(rng)]()

    monkeypatch.setitem(KINDS, "rle", case)
    expected = [drawn(Random(f"rle {number}")) for number in range(30)]
    tally = fuzz("rle", 0, 60, 30)
    assert tally.cases == 30
    assert (tally.outcomes["result"], tally.outcomes["message"]) == (expected.count(0), expected.count(1))
    errors = {finding["case"]: finding["error"] for finding in tally.findings}
    assert errors == {
        number: "ZeroDivisionError: division by zero" if kind == 2 else "the process died"
        for number, kind in enumerate(expected)
        if kind >= 2
    }


def test_the_command_prints_a_table_or_json():
    command = [sys.executable, str(RUN), "--kind", "rle", "--cases", "50", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["kind"], row["cases"], row["findings"]) == (0, "rle", 50, [])
    assert row["result"] + row["message"] == 50


@pytest.mark.slow
def test_ten_minutes_of_every_kind():
    done = subprocess.run([sys.executable, str(RUN), "--seconds", "600"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
