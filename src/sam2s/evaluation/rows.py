"""The rows of a folder of evaluations: those of this command and those made before, in the order they came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sam2s.errors import OutputError
from sam2s.evaluation.plan import EvalRun
from sam2s.evaluation.rules import Prompting
from sam2s.files import write_atomically

ROWS = "rows.json"


def known_rows(out: Path) -> list[EvalRun]:
    """Rows whose results lie in a folder; one whose own folder was removed is no row any more.

    Raises:
        OutputError: the list is damaged.
    """
    path = out / ROWS
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        runs = [EvalRun(**{**entry, "prompt": Prompting(entry["prompt"])}) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise OutputError(f"cannot read {path}: {error!r}; remove it, and give all rows in one command") from error
    return [run for run in runs if (out / run.folder).is_dir()]


def add_rows(out: Path, runs: Sequence[EvalRun]) -> list[EvalRun]:
    """Note rows in a folder, in the place of those of the same name; give all rows."""
    rows = {run.folder: run for run in (*known_rows(out), *runs)}
    entries = [{**asdict(run), "prompt": str(run.prompt)} for run in rows.values()]
    write_atomically(out / ROWS, (json.dumps(entries, indent=1) + "\n").encode())
    return list(rows.values())
