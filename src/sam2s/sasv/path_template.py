"""Paths with fields in braces, to find files and to name those that belong to them."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sam2s.sasv.text_files import inner_path


@dataclass(frozen=True)
class PathTemplate:
    """A path with fields in braces, `{video}/{frame}.png`; a field matches within one folder name, `{frame}` digits."""

    text: str

    @property
    def fields(self) -> set[str]:
        """Names of the fields."""
        return set(re.findall(r"\{(\w+)\}", self.text))

    def check(self) -> None:
        """Refuse what is not a path with fields.

        Raises:
            ValueError: it is empty, absolute, leads out of its folder, or a brace or a field's name is wrong.
        """
        bare = re.sub(r"\{[A-Za-z_]\w*\}", "x", self.text, flags=re.ASCII)
        if "{" in bare or "}" in bare:
            raise ValueError(f"path {self.text!r} has braces that hold no name of letters, digits and underscores")
        inner_path(bare, "path")

    def matches(self, folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
        """Files below `folder` with the values of their fields, in natural order of all values."""
        pattern, expression, seen = "", "", set()
        for i, piece in enumerate(re.split(r"\{(\w+)\}", self.text)):
            if i % 2 == 0:
                pattern, expression = pattern + glob.escape(piece), expression + re.escape(piece)
            else:
                values = r"\d+" if piece == "frame" else "[^/]+?"
                pattern += "*"
                expression += f"(?P={piece})" if piece in seen else f"(?P<{piece}>{values})"
                seen.add(piece)
        paths = []
        for path in folder.glob(pattern):
            if match := re.fullmatch(expression, path.relative_to(folder).as_posix()):
                paths.append((path, match.groupdict()))
        yield from sorted(paths, key=lambda item: [re.sub(r"\d+", _padded, value) for value in item[1].values()])

    def fill(self, values: dict[str, str]) -> PathTemplate:
        """The template with some fields filled in."""
        return PathTemplate(re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], m[0]), self.text))


def _padded(number: re.Match[str]) -> str:
    return number[0].zfill(20)
