"""What is built to be installed: files, versions and the lock of those that were tested."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(*extras):
    """Requirements of the package itself and of some extras, by name; extras that name others are followed."""
    found = {}
    lines = [*PROJECT["dependencies"], *(line for name in extras for line in PROJECT["optional-dependencies"][name])]
    for line in lines:
        requirement = Requirement(line)
        if requirement.name == "sam2s":
            found |= requirements(*requirement.extras)
        else:
            found[canonicalize_name(requirement.name)] = requirement
    return found


def versions(name):
    """Versions of a constraints file, by name."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.!]+", line) for line in lines), "one NAME==VERSION a line"
    return {canonicalize_name(line.split("==")[0]): Version(line.split("==")[1]) for line in lines}


def oldest(requirement):
    """The oldest version that a requirement admits, or None."""
    return next((Version(s.version) for s in requirement.specifier if s.operator in (">=", "~=", "==")), None)


def test_every_requirement_is_in_the_lock_of_tested_versions():
    locked, wanted = versions("constraints.txt"), requirements(*PROJECT["optional-dependencies"])
    assert set(wanted) <= set(locked), f"make lock adds {set(wanted) - set(locked)}"
    assert [name for name, r in wanted.items() if not r.specifier.contains(locked[name])] == []
    assert len(locked) > len(wanted), "what these need in turn is locked too"
    assert "torchvision" not in locked


def test_the_oldest_versions_are_those_of_pyproject():
    named, tested = versions("constraints-minimum.txt"), {}
    script = (ROOT / ".ci/minimum").read_text()
    extras = re.search(r"--editable '\.\[([\w,]+)\]'", script)[1].split(",")
    for name, requirement in requirements(*extras).items():
        assert oldest(requirement), f"{name} has no oldest version, so none can be tested"
        tested[name] = oldest(requirement)
    assert {name: v for name, v in named.items() if name in tested} == tested


def test_python_versions_are_the_same_everywhere():
    supported = sorted(re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"])))
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert re.search(r"python: \[(.*)\]", workflow)[1].replace('"', "").split(", ") == supported
    assert PROJECT["requires-python"] == f">={supported[0]}"
    assert f"Python {supported[0]} or newer" in (ROOT / "docs/how-to/install.md").read_text()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the sdist and the wheel that was built out of it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


def tracked(folder):
    """Files that git holds below a folder."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no clone, so nobody says which files belong to it")
    return {name for name in done.stdout.splitlines() if (ROOT / name).is_file()}


def test_the_wheel_holds_every_file_of_the_package(built):
    (path,) = built.glob("*.whl")
    assert path.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        meta = next(name for name in names if name.endswith("/METADATA"))
        text = wheel.read(meta).decode()
        start = wheel.read(meta.replace("METADATA", "entry_points.txt")).decode()
    assert {name for name in names if name.startswith("sam2s/")} == {n.removeprefix("src/") for n in tracked("src")}
    assert "sam2s/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"sam2s", meta.split("/")[0]}
    assert "License-Expression: Apache-2.0" in text
    assert f"Requires-Python: {PROJECT['requires-python']}" in text
    assert "sam2s = sam2s.cli:main" in start


def test_the_sdist_holds_all_that_the_tests_read(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = tracked(".")
    assert wanted - names == set()
    assert names - wanted == {"PKG-INFO"}


def test_the_package_runs_out_of_the_wheel(built, tmp_path):
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        wheel.extractall(tmp_path / "there")
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'there')!r}); import sam2s.cli; sam2s.cli.main()"
    command = [sys.executable, "-c", code, "demo", "--frames", "3", "--json", "--out", str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "demo/run/overlay.mp4").exists()
    assert '"j_and_f"' in done.stdout
