"""The weights that a place has learned, one after another, and which of them are in use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sam2s.errors import OutputError
from sam2s.files import write_atomically

FILE = "taught.json"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class TaughtWeights:
    """Weights that were learned, or the attempt to.

    Attributes:
        number: counted from 1.
        parent: name or path of the weights before.
        taken: whether they were better, so that there is a file.
        share: of the new weights in them.
        workspaces: what they learned from.
        minutes: of training.
        frames: frames they learned from, and frames they were measured on.
        scores: name of each candidate and what was measured of it.
        author: who asked for it, where that is known.
    """

    number: int
    parent: str
    taken: bool
    share: float
    workspaces: tuple[str, ...]
    minutes: float
    frames: tuple[int, int]
    scores: dict[str, dict[str, float]]
    author: str | None = None

    @property
    def chosen(self) -> str:
        """Name of the candidate that was chosen."""
        return candidate_name(self.share)


def candidate_name(share: float) -> str:
    """What tables call the weights with a share of the new ones in them."""
    return {0.0: "before", 1.0: "after"}.get(share, f"average, {share:g} new")


class TaughtFolder:
    """A folder of taught weights: `001/weights.safetensors` and so on, and `taught.json` that lists them.

    Args:
        folder: made when the first are added.
        first: name or path of the weights that stood at the beginning.
    """

    def __init__(self, folder: Path, first: str) -> None:
        self.folder, self.first = folder, first

    def all(self) -> list[TaughtWeights]:
        """All attempts, in order.

        Raises:
            OutputError: the list is damaged.
        """
        return [TaughtWeights(**_tuples(entry)) for entry in self._read()["taught"]]

    @property
    def current(self) -> str:
        """Name or path of the weights in use."""
        number = self._read()["current"]
        return self.first if number == 0 else str(self.path(number))

    @property
    def current_number(self) -> int:
        """Number of the weights in use, 0 for those that stood at the beginning."""
        return int(self._read()["current"])

    def path(self, number: int) -> Path:
        """File of taught weights."""
        return self.folder / f"{number:03d}" / WEIGHTS

    def pictures(self, number: int) -> Path:
        """Folder of pictures that show masks before and after."""
        return self.folder / f"{number:03d}" / "pictures"

    def next_number(self) -> int:
        """Number for the next attempt."""
        return len(self._read()["taught"]) + 1

    def add(self, taught: TaughtWeights, *, use: bool = True) -> None:
        """Add an attempt; weights that were taken come into use, unless `use` is False."""
        content = self._read()
        content["taught"].append(asdict(taught))
        if taught.taken and use:
            content["current"] = taught.number
        self._write(content)

    def use(self, number: int) -> None:
        """Go back, or forward, to other weights; 0 are those that stood at the beginning.

        Raises:
            OutputError: there are none of this number.
        """
        content = self._read()
        there = [0, *(entry["number"] for entry in content["taught"] if entry["taken"])]
        if number not in there:
            raise OutputError(f"{self.folder} has no weights {number}; there are {', '.join(map(str, there))}")
        self._write({**content, "current": number})

    def _read(self) -> dict[str, Any]:
        path = self.folder / FILE
        if not path.exists():
            return {"first": self.first, "current": 0, "taught": []}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content["taught"], list) or not isinstance(content["current"], int):
                raise TypeError("entries of another kind")
            return dict(content)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise OutputError(f"{path} is damaged ({error}); move it away: the weights beside it stay") from error

    def _write(self, content: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / FILE, (json.dumps(content, indent=1) + "\n").encode())


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


def score_table(taught: TaughtWeights) -> list[str]:
    """Lines of a table: one for each candidate, with J&F of each prompt kind and false masks."""
    columns: Sequence[str] = sorted({name for scores in taught.scores.values() for name in scores})
    width = max(len(name) for name in taught.scores)
    lines = [" ".join([f"{'':<{width}}", *(f"{_title(column):>12}" for column in columns)])]
    for name, scores in taught.scores.items():
        cells = (f"{scores[column]:>12.1f}" if column in scores else f"{'-':>12}" for column in columns)
        lines.append(" ".join([f"{name:<{width}}", *cells]))
    return lines


def _title(column: str) -> str:
    return "false masks" if column == "val_false_masks" else column.replace("val_jf_", "").replace("val_jf", "J&F")
