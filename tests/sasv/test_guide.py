"""The page that goes from downloads to a row in the table: every command of it runs, and says what the page says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sam2s.cli import app
from sam2s.errors import Sam2sError

PAGE = Path(__file__).parents[2] / "docs/how-to/try-sasv.md"


def steps():
    """Blocks of the page in order: ("sh", commands) or ("text", lines that must have been printed)."""
    return re.findall(r"^```(sh|text)\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def run(line):
    """Run a command as a shell does, ours in this process; return its status and what it printed."""
    words = shlex.split(line)
    if words[0] != "sam2s":
        words[0] = sys.executable if words[0] == "python" else words[0]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr
    result = CliRunner().invoke(app, words[1:])
    if isinstance(result.exception, Sam2sError):
        return 2, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.slow
def test_every_command_of_the_page_runs_and_says_what_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = ""
    for kind, block in steps():
        if kind == "text":
            for line in block.splitlines():
                assert line in printed, f"not printed: {line!r}\nbut: {printed}"
            continue
        printed = ""
        for line in block.splitlines():
            command, _, status = line.partition("#")
            code, output = run(command)
            printed += output
            assert code == int(status.split()[-1] if status else 0), f"{command}: status {code}\n{output}"


def test_the_page_makes_every_usual_mistake():
    text = PAGE.read_text()
    for mistake in ("not unpacked", "too deeply", "misnamed folder", "misnamed mask", "missing frame and its mask"):
        assert mistake in text
    assert len([block for kind, block in steps() if kind == "sh"]) >= 15
