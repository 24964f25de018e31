"""What background processes do alike, in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

CHILD = """
import os, threading
from sam2s.app.background import leave, lower_priority, open_reports, when_input_ends
ended = threading.Event()
report = open_reports()
print("from a library")
lower_priority()
lower_priority()
report(nice=os.nice(0))
when_input_ends(ended.set)
assert not ended.wait(0.2)
report(state="ready")
assert ended.wait(20)
report(state="done")
leave(3)
"""


@pytest.mark.skipif(not hasattr(os, "nice"), reason="the system has no priorities to lower")
def test_reports_are_all_that_stands_on_standard_output_and_the_process_ends_with_its_input():
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    first = [json.loads(child.stdout.readline()) for _ in range(2)]
    assert first == [{"nice": max(10, os.nice(0))}, {"state": "ready"}]
    out, errors = child.communicate(timeout=30)  # closes standard input
    assert [json.loads(line) for line in out.splitlines()] == [{"state": "done"}]
    assert errors.strip() == "from a library"
    assert child.returncode == 3
