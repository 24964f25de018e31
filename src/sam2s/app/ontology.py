"""Names to choose from: those of the weights first, then the instruments and tissues of the SA-SV vocabulary."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml


@cache
def ontology_names(categories: tuple[str, ...]) -> list[str]:
    """Names that are offered while one types; any other may be written as well."""
    content = yaml.safe_load(files("sam2s.sasv").joinpath("ontology.yaml").read_text(encoding="utf-8"))
    names = [*categories, *content["instruments"], *content["tissues"]]
    for group in content.get("extra", {}).values():
        names += group
    return list(dict.fromkeys(str(name) for name in names))
