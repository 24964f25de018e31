"""What a recipe file holds, as plain values: YAML files, the files they start from, and changes value by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from sam2s.errors import ConfigError

FOLDER = Path(__file__).with_name("recipes")


def recipes() -> dict[str, Path]:
    """The recipes of the package by name."""
    return {str(path.relative_to(FOLDER).with_suffix("")): path for path in sorted(FOLDER.rglob("*.yaml"))}


def find_recipe(name_or_path: str, folder: Path | None = None) -> Path:
    """The file of a recipe.

    Args:
        name_or_path: one of `recipes()`, or a YAML file.
        folder: where a relative path begins, by default the working directory.

    Raises:
        ConfigError: there is none of that name or path.
    """
    named = recipes()
    if name_or_path in named:
        return named[name_or_path]
    try:
        path = (folder or Path()) / Path(name_or_path).expanduser()
        if path.is_file():
            return path
    except (OSError, ValueError, RuntimeError):  # a path that no file system takes, or the home of nobody
        pass
    near = get_close_matches(name_or_path, named, 1, 0.4)
    hint = f"did you mean {near[0]}? Or " if near else ""
    where = f" in {folder}" if folder else ""
    raise ConfigError(
        f"there is no recipe {name_or_path!r}{where}: {hint}give a YAML file or one of {', '.join(named)}"
    )


def read_values(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a recipe file, laid over those of the recipe that its `base` names.

    Args:
        path: the file; a `base` that is a relative path is sought in the same folder.
        above: files that start from this one, none of which it may start from.

    Raises:
        ConfigError: it cannot be read, is not a mapping, or starts from itself.
    """
    path = path.resolve()
    if path in above:
        chain = " starts from ".join(str(each) for each in (*above[above.index(path) :], path))
        raise ConfigError(f"{chain}; a recipe cannot be its own base: name another recipe as base in one of them")
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}") from error
    values = parse_yaml(text, str(path))
    if not isinstance(values, dict):
        raise ConfigError(f"{path} is not a recipe; it must hold keys such as model, data, schedule")
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str):
        raise ConfigError(f"{path}: base is {base!r}; give the name of a recipe, or a YAML file beside this one")
    return merge(read_values(find_recipe(base, path.parent), (*above, path)), values)


def parse_yaml(text: str, what: str) -> Any:
    """The value that a YAML text holds.

    Raises:
        ConfigError: it is not YAML, or holds what YAML cannot make a value of; the message names `what`.
    """
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # also dates of no calendar, deep nesting
        raise ConfigError(f"{what} cannot be read as YAML: {' '.join(str(error).split())}") from error


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two mappings as one; where both have a key, mappings are merged and anything else is taken from `above`."""
    shared = below.keys() & above.keys()
    nested = {k: merge(below[k], above[k]) for k in shared if isinstance(below[k], dict) and isinstance(above[k], dict)}
    return {**below, **above, **nested}


def replace_places(values: dict[str, Any], places: Sequence[str]) -> None:
    """Put other places into a recipe's sources; the other settings of its first source hold for all of them.

    Raises:
        ConfigError: `data` or its sources are of another form.
    """
    data = values["data"] = values.get("data") or {}
    if not isinstance(data, dict):
        raise ConfigError(f"data is {data!r}; it must hold keys: sources, clips")
    sources = data.get("sources") or [{}]
    if not isinstance(sources, list):
        raise ConfigError(f"data.sources is {sources!r}; give a list, such as [{{place: my-videos}}]")
    if not isinstance(sources[0], Mapping):
        raise ConfigError(f"data.sources.0 is {sources[0]!r}; it must hold keys, such as {{place: {sources[0]}}}")
    data["sources"] = [{**sources[0], "place": place} for place in places]


def override(values: dict[str, Any], text: str) -> None:
    """Change one value as "a.b=value" says; a number picks from a list, a mapping that is missing is made.

    Raises:
        ConfigError: it is not of that form, or goes through what has no settings of its own.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {text} is not of the form a.b=value, such as optimiser.lr=5e-6")
    *path, last = key.split(".")
    place: Any = values
    for part in path:
        if isinstance(place, list):
            place = place[_index(place, part, key)]
        else:
            if place.get(part) is None:
                place[part] = {}
            place = place[part]
        if not isinstance(place, dict | list):
            raise ConfigError(f"--set {key}: {part} holds {place!r}, which has no settings of its own")
    new = parse_yaml(value, f"--set {text}: the value")
    place[_index(place, last, key) if isinstance(place, list) else last] = new


def _index(items: list[Any], part: str, key: str) -> int:
    numbers = {str(number): number for number in range(len(items))}
    if part not in numbers:
        allowed = f"0 to {len(items) - 1}" if items else "there is none"
        raise ConfigError(f"--set {key}: {part!r} is not the number of an entry, {allowed}")
    return numbers[part]
