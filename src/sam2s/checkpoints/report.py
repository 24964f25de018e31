"""Holding the tensors of a file against the tensors a network needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TensorReport:
    """What a comparison found, names in the order of the network (then of the file).

    Attributes:
        matched: names that are in both, with the same shape.
        missing: names that the network needs and the file lacks.
        unexpected: names in the file that the network has no place for.
        misshaped: (name, shape the network needs, shape in the file).
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshaped: tuple[tuple[str, Shape, Shape], ...]

    def table(self, limit: int = 8) -> str:
        """The report as text: four counts, each followed by its first `limit` names (matched ones are not listed)."""
        groups = {
            "matched": (len(self.matched), []),
            "missing": (len(self.missing), list(self.missing)),
            "unexpected": (len(self.unexpected), list(self.unexpected)),
            "mis-shaped": (
                len(self.misshaped),
                [f"{name}: needs {list(need)}, file has {list(found)}" for name, need, found in self.misshaped],
            ),
        }
        lines = []
        for title, (count, entries) in groups.items():
            lines.append(f"{title:<11}{count:>5}")
            lines += [f"    {entry}" for entry in entries[:limit]]
            if len(entries) > limit:
                lines.append(f"    ... and {len(entries) - limit} more")
        return "\n".join(lines)


def shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Names and shapes of a state dict."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def compare_shapes(needed: Mapping[str, Shape], found: Mapping[str, Shape]) -> TensorReport:
    """Hold what a file has against what a network needs."""
    common = [name for name in needed if name in found]
    return TensorReport(
        matched=tuple(name for name in common if needed[name] == found[name]),
        missing=tuple(name for name in needed if name not in found),
        unexpected=tuple(name for name in found if name not in needed),
        misshaped=tuple((name, needed[name], found[name]) for name in common if needed[name] != found[name]),
    )
