"""The vocabulary of SA-SV (`ontology.yaml`): categories, their kind, and each source's own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from sam2s.errors import DatasetError
from sam2s.sasv.text_files import MALFORMED, described

Kind = Literal["instrument", "tissue"]


@dataclass(frozen=True, slots=True)
class Category:
    """What an object may be.

    Attributes:
        name: as in labels, prompts and reports.
        kind: instrument or tissue; only instruments take part in TSL (SAM2S paper, Eq. 3).
        in_paper: whether it is one of the paper's 21 instruments and 16 tissues.
        paper: its text in the paper's figure.
        note: what it stands for, where the name does not say it.
    """

    name: str
    kind: Kind
    in_paper: bool
    paper: str
    note: str = ""


@dataclass(frozen=True)
class Ontology:
    """All categories, and source labels by source."""

    version: int
    categories: Mapping[str, Category]
    sources: Mapping[str, Mapping[str, str | None]]

    def category(self, source: str, label: str) -> Category | None:
        """The category of a source's label (case ignored), or None when the label is not an object.

        Raises:
            DatasetError: the label is not in the ontology.
        """
        names = self.sources.get(source, {})
        key = label.strip().lower()
        if key not in names:
            raise DatasetError(
                f"label {label!r} of {source} is not in the ontology; known: {', '.join(names) or 'none'}. "
                f"Add it under sources.{source} in sasv/ontology.yaml"
            )
        name = names[key]
        return None if name is None else self.categories[name]

    def instruments(self) -> list[str]:
        """Names of the paper's instrument categories, in figure order: the K classes of TSL."""
        return [c.name for c in self.categories.values() if c.in_paper and c.kind == "instrument"]


@cache
def load_ontology() -> Ontology:
    """Read and check the ontology that comes with the package."""
    return parse_ontology((files("sam2s.sasv") / "ontology.yaml").read_text("utf-8"))


def parse_ontology(text: str) -> Ontology:
    """Parse an ontology file.

    Raises:
        DatasetError: it is not YAML or lacks a part, a category stands twice, or a source maps a label to a category
            that does not exist.
    """
    try:
        return _parse(yaml.safe_load(text))
    except (yaml.YAMLError, *MALFORMED) as error:
        raise DatasetError(f"the ontology cannot be read: {described(error)}; restore sasv/ontology.yaml") from error


def _parse(data: dict[str, Any]) -> Ontology:
    categories: dict[str, Category] = {}
    for in_paper, part in ((True, data), (False, data["extra"])):
        kinds: tuple[Kind, Kind] = ("instrument", "tissue")
        for kind in kinds:
            for name, about in part[f"{kind}s"].items():
                if name in categories:
                    raise DatasetError(f"category {name!r} stands twice in the ontology; keep one")
                about = about or {}
                categories[name] = Category(name, kind, in_paper, about.get("paper", name), about.get("note", ""))
    for source, names in data["sources"].items():
        for label, category in names.items():
            if category is not None and category not in categories:
                raise DatasetError(f"ontology: {source} maps {label!r} to {category!r}, an unknown category; add it")
            if label != label.lower():
                raise DatasetError(f"ontology: write label {label!r} of {source} in lower case")
    return Ontology(data["version"], categories, data["sources"])
