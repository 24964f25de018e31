"""Commands in namespaces of Linux: as on another machine, on a small disk, on one that is read-only or goes away."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

_UNSHARE = ["unshare", "--map-root-user", "--mount", "--uts"]


def _allowed() -> bool:
    try:
        done = subprocess.run([*_UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


needs_namespaces = pytest.mark.skipif(not _allowed(), reason="needs namespaces of Linux, which are not allowed here")


def on_another_machine(words: list[str]) -> list[str]:
    """The command that runs a command where the machine is called `elsewhere`."""
    return in_namespace("hostname elsewhere || echo elsewhere > /proc/sys/kernel/hostname", words)


def in_namespace(setup: str, words: list[str]) -> list[str]:
    """The command that runs a command after lines of shell that mount or rename what nobody outside sees."""
    return [*_UNSHARE, "sh", "-ec", f"{setup}\nexec {shlex.join(words)}"]


def with_tests_on_path() -> dict[str, str]:
    """An environment in which a new process imports the modules of the tests, and uses one thread."""
    here = Path(__file__).parent
    paths = [str(here), str(here / "archive"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
