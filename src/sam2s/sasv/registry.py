"""The source datasets we can read: one module of `sam2s.sasv.adapters` each."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from sam2s.errors import DatasetError
from sam2s.sasv import adapters, mapping
from sam2s.sasv.raw import Adapter, PublishedPart, RawVideo


@cache
def all_adapters() -> dict[str, Adapter]:
    """Every adapter by the name of its source, in alphabetical order."""
    modules = (
        import_module(f"{adapters.__name__}.{m.name}") for m in iter_modules(adapters.__path__) if m.name[0] != "_"
    )
    return {m.INFO.name: m for m in sorted(modules, key=lambda m: m.INFO.name)}


def get_adapter(name: str) -> Adapter:
    """The adapter of one source."""
    try:
        return all_adapters()[name]
    except KeyError:
        raise DatasetError(f"there is no source {name!r}; known sources: {', '.join(all_adapters())}") from None


def published_parts(adapter: Adapter, folder: Path) -> tuple[PublishedPart, ...]:
    """What a complete copy of a source holds, as its publisher says, or the user's mapping file where there is one."""
    return mapping.published_parts(folder, adapter.INFO) if folder.is_file() else adapter.PARTS


def list_videos(adapter: Adapter, folder: Path) -> list[RawVideo]:
    """All videos of a source; their names are going to be folders.

    Raises:
        DatasetError: there is none, two have one name, or a name is no good for a folder.
    """
    videos: dict[str, RawVideo] = {}
    for video in adapter.videos(folder):
        if video.name in videos or not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", video.name):
            reason = "twice there" if video.name in videos else "no good folder name"
            raise DatasetError(f"video name {video.name!r} is {reason}; restore the official file names")
        videos[video.name] = video
    if not videos:
        raise DatasetError(f"{folder} holds no video that is complete; it should have {adapter.INFO.layout}")
    return list(videos.values())
