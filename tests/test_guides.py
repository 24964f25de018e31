"""The guides: their shell blocks marked `sh runnable` run in order, on a machine without a GPU or a network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```sh runnable\n(.*?)^```", re.M | re.S)
GUIDES = [page for page in sorted(ROOT.glob("docs/**/*.md")) if BLOCK.search(page.read_text("utf-8"))]

SBATCH = """#!/usr/bin/env bash
for index in $(seq $(sed -n 's/^#SBATCH --array=\\([0-9]*\\)-\\([0-9]*\\)$/\\1 \\2/p' "$1")); do
    SLURM_ARRAY_TASK_ID=$index bash "$1" || exit
done
"""
"""Stands in for Slurm: runs a script once for each number of its array."""

COMPARED = {
    "table": ["copy", "flow", "micro divemem", "class", "program", "ready"],
    "paper": ["copy", "micro divemem", "class"],
}


@pytest.fixture
def shell(tmp_path):
    """A function that runs a script in an empty folder, where `sam2s` and `python` are those of this environment."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, words in (("sam2s", "-m sam2s"), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (commands / name).chmod(0o755)
    (commands / "sbatch").write_text(SBATCH)
    (commands / "sbatch").chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}

    def run(script):
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        words = ["bash", "-e", "-o", "pipefail", "-c", script]
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return folder

    return run


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_every_command_of_a_guide_runs(page, shell):
    for block in BLOCK.findall(page.read_text("utf-8")):
        folder = shell(block)
    if page.stem == "archive":
        assert sorted(path.parent.parent.name for path in folder.glob("runs/parts/*/*/workspace.sqlite")) == ["0", "1"]
    if page.stem == "compare":
        for name, rows in COMPARED.items():
            text = (folder / name / "report.md").read_text()
            table = text.split("## ")[1]
            assert re.findall(r"^\| \*\*(.*?)\*\*", table, re.M) == rows
        assert re.search(r"^\| SAM2S +\| +512 .*\n(\| .*\n)*\| \*\*copy\*\* †", text, re.M)
        assert "† Only a part of EndoVis18 is built" in text
