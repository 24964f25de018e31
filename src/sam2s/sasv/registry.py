"""The source datasets we can read: one module of `sam2s.sasv.adapters` each."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from sam2s.errors import DatasetError
from sam2s.sasv import adapters
from sam2s.sasv.raw import Adapter


@cache
def all_adapters() -> dict[str, Adapter]:
    """Every adapter by the name of its source, in alphabetical order."""
    modules = (
        import_module(f"{adapters.__name__}.{m.name}") for m in iter_modules(adapters.__path__) if m.name[0] != "_"
    )
    return {m.FACTS.name: m for m in sorted(modules, key=lambda m: m.FACTS.name)}


def get_adapter(name: str) -> Adapter:
    """The adapter of one source."""
    try:
        return all_adapters()[name]
    except KeyError:
        raise DatasetError(f"there is no source {name!r}; known sources: {', '.join(all_adapters())}") from None
