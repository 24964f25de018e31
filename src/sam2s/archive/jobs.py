"""The jobs file: which videos to track, and with which prompts."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sam2s.errors import ConfigError
from sam2s.files import write_atomically

SETTINGS = {
    "weights": str,
    "memory": str,
    "reverse": bool,
    "start": int,
    "stop": int,
    "stride": int,
    "image_size": int,
    "precision": str,
    "batched": str,
    "events": bool,
    "fill_holes": int,
    "remove_islands": int,
    "export": str,
    "pattern": str,
    "square_pixels": bool,
    "part": int,
}
"""What a job may settle for itself, as the flags of `sam2s track` of the same names, and the kind of each value; `part`
is written by `sam2s archive split` and numbers the parts of a video."""

PROMPT_SOURCES = ("prompts", "masks", "workspace", "proposer")
_NAME = re.compile(r"[\w][\w .+-]{0,120}")


@dataclass(frozen=True)
class ArchiveJob:
    """One video of an archive.

    Attributes:
        name: unique in the archive; names the output folder.
        video: path of the video.
        prompts: prompts file; exactly one of this and the next three is given.
        masks: folder of pictures or one picture with the masks of a frame, or any file that `sam2s import masks` reads.
        workspace: workspace in which somebody pointed at the objects.
        proposer: `module:function` or `file.py:function` that proposes boxes; see `sam2s.archive.proposers`.
        settings: as in `SETTINGS`.
    """

    name: str
    video: str
    prompts: str | None = None
    masks: str | None = None
    workspace: str | None = None
    proposer: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, without what is not given."""
        fields: dict[str, Any] = {"name": self.name, "video": self.video}
        fields |= {kind: value for kind in PROMPT_SOURCES if (value := getattr(self, kind)) is not None}
        return {**fields, "settings": self.settings}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ArchiveJob:
        """Read what `to_json` wrote."""
        return cls(**data)

    def digest(self) -> str:
        """Changes with everything that the result depends on: the job itself, and what its source of prompts holds.

        Raises:
            OSError: a file of prompts, or a proposer's, cannot be read.
            WorkspaceError: the workspace with the prompts cannot be read.
        """
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode())
        place = (self.proposer or "").rpartition(":")[0]
        for path in (self.prompts, self.masks, place if place.endswith(".py") else None):
            for file in _files(path):
                digest.update(file.name.encode())
                digest.update(file.read_bytes())
        if self.workspace is not None:
            digest.update(_prompts_in(Path(self.workspace)))
        return digest.hexdigest()


def write_jobs(jobs: Iterable[ArchiveJob], path: Path) -> None:
    """Write jobs as one JSON object a line, for `read_jobs`.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = ({**{k: v for k, v in job.to_json().items() if k != "settings"}, **job.settings} for job in jobs)
    write_atomically(path, "".join(f"{json.dumps(row)}\n" for row in rows).encode())


def _files(path: str | None) -> list[Path]:
    if path is None:
        return []
    folder = Path(path)
    return sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else [folder]


def _prompts_in(workspace: Path) -> bytes:
    from sam2s.runs.open import stored_prompts  # loads torch, which reading a manifest does not need
    from sam2s.session.events import encode_prompt

    entries = [(e.frame, e.object_id, e.name, encode_prompt(e.prompt)) for e in stored_prompts(workspace)]
    return json.dumps(entries, sort_keys=True).encode()


def read_jobs(path: Path) -> list[ArchiveJob]:
    """Read a jobs file: CSV with a header, one JSON object a line (.jsonl), or YAML with a list under `jobs`.

    Relative paths are taken from where the file lies. A job without a name takes that of its video.

    Raises:
        ConfigError: the file cannot be read, or an entry cannot be used; the message names file, entry and key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the jobs file {path}: {error}") from error
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".yaml": _yaml_rows, ".yml": _yaml_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(f"{path} has the ending {path.suffix!r}; a jobs file ends in .csv, .jsonl, .yaml or .yml")
    jobs = [_job(row, f"{path}: {place}", path.parent) for place, row in reader(text, path)]
    if not jobs:
        raise ConfigError(f"{path} holds no jobs; give at least one video with its prompts")
    seen: dict[str, str] = {}
    for job in jobs:
        key = job.name.casefold()
        if key in seen:
            raise ConfigError(f"{path}: two jobs are called {job.name!r}; give each a name of its own (key name)")
        seen[key] = job.video
    return jobs


def _csv_rows(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text))
    try:
        for row in reader:
            if None in row:
                raise ConfigError(f"{path}: line {reader.line_num} has more cells than the header has columns")
            yield f"line {reader.line_num}", {key: value for key, value in row.items() if value not in (None, "")}
    except csv.Error as error:
        raise ConfigError(f"{path}: line {reader.line_num} is not CSV: {error}") from error


def _json_rows(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: line {number} is not JSON: {error}") from error


def _yaml_rows(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{path} is not YAML: {str(error).splitlines()[0]}") from error
    rows = content.get("jobs") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise ConfigError(f"{path}: expected a list of jobs, or a mapping with the list under the key jobs")
    yield from ((f"jobs[{number}]", row) for number, row in enumerate(rows))


def _job(row: object, place: str, folder: Path) -> ArchiveJob:
    if not isinstance(row, dict) or not all(isinstance(key, str) for key in row):
        raise ConfigError(f"{place} must be an object with at least the key video; found {row!r:.80}")
    allowed = {"name", "video", *PROMPT_SOURCES, *SETTINGS}
    if unknown := sorted(set(row) - allowed):
        raise ConfigError(f"{place}: the key {unknown[0]!r} is not known; allowed are {', '.join(sorted(allowed))}")
    for key in ("name", "video", *PROMPT_SOURCES):
        if key in row and not (isinstance(row[key], str) and row[key].strip()):
            raise ConfigError(f"{place}: {key} must be text, not {row[key]!r:.80}")
    if "video" not in row:
        raise ConfigError(f"{place}: the key video is missing")
    given = [kind for kind in PROMPT_SOURCES if kind in row]
    if len(given) != 1:
        what = " and ".join(given) if given else "none"
        raise ConfigError(f"{place}: give exactly one of {', '.join(PROMPT_SOURCES)}; {what} is given")
    paths = {key: _absolute(row[key], folder) for key in ("video", "prompts", "masks", "workspace") if key in row}
    name = row.get("name", Path(row["video"]).stem)
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{place}: the name {name!r} cannot name a folder; use letters, digits, spaces and . _ + -")
    settings = {key: _setting(key, row[key], place) for key in SETTINGS if key in row}
    if "weights" in settings and (folder / settings["weights"]).exists():
        settings["weights"] = _absolute(settings["weights"], folder)
    return ArchiveJob(name=name, proposer=_proposer(row.get("proposer"), folder), settings=settings, **paths)


def _proposer(name: str | None, folder: Path) -> str | None:
    """The name of a proposer; its file is sought from where the jobs file lies, as workers may run anywhere."""
    place, colon, function = (name or "").rpartition(":")
    return f"{_absolute(place, folder)}{colon}{function}" if place.endswith(".py") else name


def _absolute(text: str, folder: Path) -> str:
    """A path from where the jobs file lies; an address or a camera stays as it is."""
    return text if "://" in text else str((folder / Path(text).expanduser()).absolute())


def _setting(key: str, value: object, place: str) -> Any:
    kind = SETTINGS[key]
    if isinstance(value, str) and kind is int and re.fullmatch(r"\s*-?\d+\s*", value):
        return int(value)
    if isinstance(value, str) and kind is bool and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if type(value) is not kind:
        names = {str: "text", int: "a whole number", bool: "true or false"}
        raise ConfigError(f"{place}: {key} must be {names[kind]}, not {value!r:.80}")
    return value
