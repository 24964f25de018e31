"""What runs elsewhere: workflows, hooks, forms, container file and scripts. Here they are read, and held together."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
CONTAINER = (ROOT / "Containerfile").read_text()
SCRIPTS = [ROOT / ".ci" / name for name in ("run", "dist", "minimum", "lock")] + sorted(ROOT.glob("benchmarks/*.sh"))


def targets():
    """Names of the targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def commands():
    """Every line that a job of the workflow runs."""
    return [
        line for job in WORKFLOW["jobs"].values() for step in job["steps"] for line in step.get("run", "").splitlines()
    ]


def test_the_workflow_calls_what_there_is():
    assert {"ci", "minimum", "nightly", "container"} == set(WORKFLOW["jobs"])
    for line in commands():
        words = line.split()
        match words[0]:
            case "make":
                assert set(words[1:]) <= targets(), line
            case "docker":
                assert words[1] in ("build", "run"), line
            case script:
                assert (ROOT / script).stat().st_mode & 0o111, f"{line}: no program"
    assert ".ci/run" in commands()
    assert {"make slow", "make fuzz", "make browser", "make minimum"} <= set(commands())


def test_the_workflow_starts_when_it_should():
    starts = WORKFLOW[True]  # YAML reads a bare `on` as yes
    assert set(starts) == {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert all("schedule" in job["if"] for name, job in WORKFLOW["jobs"].items())
    assert WORKFLOW["permissions"] == {"contents": "read"}
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", CONTAINER, re.M))
    assert set(WORKFLOW["jobs"]["container"]["strategy"]["matrix"]["stage"]) == stages - {"base"}


def test_ci_runs_targets_that_there_are():
    called = re.findall(r"^make (.*)$", (ROOT / ".ci/run").read_text(), re.M)
    assert called[-1] in ("test", "guides"), "whoever reads the end of the output sees how many tests passed"
    assert set(called) <= targets()
    listed = re.findall(r"^# make (\w+)", (ROOT / "Makefile").read_text(), re.M)
    assert set(listed) == targets(), "the head of the Makefile lists them all"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_have_no_fault_that_a_linter_finds(script):
    assert script.stat().st_mode & 0o111
    linter = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")
    if linter is None:
        pytest.skip("shellcheck is not installed; make test installs it")
    done = subprocess.run([linter, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_hooks_take_the_versions_that_the_tests_take():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    locked = set((ROOT / "constraints.txt").read_text().splitlines())
    pinned = {line for hook in hooks for line in hook.get("additional_dependencies", [])}
    assert len(pinned) == 3
    assert {line.replace("-", "_") for line in pinned} <= {line.replace("-", "_") for line in locked}
    assert {"ruff", "ruff-format", "codespell", "mypy"} <= {hook["id"] for hook in hooks}


def test_forms_ask_for_what_is_needed_and_for_nothing_of_a_patient():
    for name in ("bug", "wish"):
        form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text())
        assert {"name", "description", "body"} <= set(form)
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len(fields)
        assert all(field["attributes"]["label"] for field in fields)
    assert "patient" in (ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text()
    assert "Report a vulnerability" in (ROOT / "SECURITY.md").read_text()


def steps(stage):
    """RUN lines of a stage of the container file, and of the stage that it is made of."""
    sections = re.findall(r"^FROM (\S+) AS (\w+)\n(.*?)(?=^FROM |\Z)", CONTAINER, re.M | re.S)
    bodies = {name: (origin, re.findall(r"^RUN (.*)$", body, re.M)) for origin, name, body in sections}
    origin, lines = bodies[stage]
    return (steps(origin) if origin in bodies else []) + lines


@pytest.mark.parametrize("stage", ["cpu", "cuda"])
def test_the_container_is_built_by_the_steps_of_the_guide(stage):
    guide = (ROOT / "docs/how-to/install.md").read_text()
    shown = {line for block in re.findall(r"^```bash\n(.*?)^```", guide, re.M | re.S) for line in block.splitlines()}
    ours = [line for line in steps(stage) if "venv" in line and "demo" not in line]
    assert len(ours) == (3 if stage == "cpu" else 2)
    assert set(ours) <= shown, set(ours) - shown
    for line in re.findall(r"^COPY (.*) \S+$", CONTAINER, re.M):
        assert all((ROOT / name).exists() for name in line.split()), line
    assert re.search(r"^FROM python:(3\.\d+)-slim AS base", CONTAINER, re.M)[1] == "3.11"
    assert CONTAINER.count('ENTRYPOINT ["/opt/sam2s/.venv/bin/sam2s"]') == 2


@pytest.mark.slow
def test_the_steps_of_the_container_build_it(tmp_path):
    """Run the steps of the CPU stage in a folder that holds what COPY takes; pip must reach an index."""
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", CONTAINER, re.M) for name in line.split()]
    for name in copied:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    for line in (line for line in steps("cpu") if "/weights" not in line):
        line = line.replace("/tmp/demo", str(tmp_path / "demo"))
        done = subprocess.run(
            ["bash", "-ec", line],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PIP_RETRIES": "0"},  # an index that is out of reach is left out at once
        )
        assert done.returncode == 0, f"{line}\n{done.stderr[-2000:]}"
    assert (tmp_path / "demo/run/masks.csv").exists()
