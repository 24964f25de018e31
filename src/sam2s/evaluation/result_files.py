"""Result files: what was measured on one video in one run, so that work may be stopped, shared out and added to.

OUT/RUN/masks/VIDEO/00000.png    masks (DAVIS); where objects overlap the smaller id is drawn
OUT/RUN/results/VIDEO.json       what was measured on it, object by object, before the masks were merged; void once the
                                 video has another fingerprint
OUT/RUN/results/VIDEO.error      why it could not be tracked
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from sam2s.checkpoints import find_weights
from sam2s.errors import OutputError, Sam2sError
from sam2s.evaluation.plan import OURS, EvalRun, EvalSettings
from sam2s.evaluation.videos import EvalVideo
from sam2s.files import walk_folders

_MASKS = "masks_state"
RESULT_FORMAT = 3
"""Number of the form of result files; those of another one are computed again."""


def result_path(out: Path, run: EvalRun, video: str) -> Path:
    """Where what was measured on a video lies."""
    return out / run.folder / "results" / f"{video}.json"


def error_path(out: Path, run: EvalRun, video: str) -> Path:
    """Where the reason lies for which a video has no result."""
    return out / run.folder / "results" / f"{video}.error"


def read_result(out: Path, run: EvalRun, video: EvalVideo) -> dict[str, Any] | None:
    """What was measured on a video; None if nothing was, or if its frames or its truth changed since."""
    path = result_path(out, run, video.name)
    if not path.exists():
        return None
    try:
        data: dict[str, Any] = json.loads(path.read_text())
        if not isinstance(data, dict):
            return None
        return data if (data.get("format"), data.get("video")) == (RESULT_FORMAT, video.fingerprint) else None
    except ValueError:  # the result is damaged, so it is none
        return None
    except (Sam2sError, OSError):  # the video is damaged since; tracking it again will give the reason
        return None


def is_done(out: Path, run: EvalRun, video: EvalVideo, settings: EvalSettings) -> bool:
    """Whether a video has a result of this run, and of the same masks if these were there before.

    Raises:
        OutputError: it has one of other settings.
    """
    result = read_result(out, run, video)
    if result is None:
        return False
    before, now = result["settings"], identity(run, settings)
    changed = [key for key in before.keys() | now.keys() if before.get(key) != now.get(key)]
    if changed == [_MASKS]:
        return False
    if changed:
        path = result_path(out, run, video.name)
        settings_before = ", ".join(f"{key} {before.get(key)!r}" for key in sorted(changed))
        raise OutputError(
            f"{path} was made with other settings ({settings_before}); give the row another name (NAME=...), choose "
            "another --out, or --overwrite"
        )
    return True


def forget_results(out: Path, runs: Iterable[EvalRun], videos: Iterable[str]) -> None:
    """Remove the results of these runs on these videos, so that they are computed again."""
    names = list(videos)
    for run in runs:
        for name in names:
            result_path(out, run, name).unlink(missing_ok=True)


def identity(run: EvalRun, settings: EvalSettings) -> dict[str, Any]:
    """Everything that changes masks."""
    known: dict[str, Any] = {"method": run.method, "prompt": str(run.prompt)}
    if run.method == OURS:
        known["memory"] = run.memory
        if run.memory == "divemem" and settings.confidence != EvalSettings.confidence:
            known["confidence"] = settings.confidence
        if settings.events:
            known["events"] = True
        if settings.batched != "auto":
            known["batched"] = settings.batched
    if run.prompt.interactive:
        known["rounds"] = settings.rounds
    kind, _, rest = run.method.partition(":")
    if kind in ("masks", "command"):
        known["missing"] = str(settings.missing)
    if kind == "masks":
        known[_MASKS] = _folder_state(rest)
    if run.uses_weights:
        known |= {"weights": run.weights, "image_size": settings.image_size, "precision": settings.precision}
        known["weights_hash"] = _hash(run.weights)
    return known


def _folder_state(place: str) -> str:
    """Changes when a file below a folder does, by its size and time; cheap for folders of many pictures."""
    root = Path(place).expanduser()
    digest = hashlib.sha256()
    for folder in walk_folders(root) if root.is_dir() else [root]:
        for file in sorted(folder.iterdir()) if folder.is_dir() else [folder]:
            if file.is_file():
                state = file.stat()
                digest.update(f"{file} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@cache
def _hash(weights: str) -> str:
    path = find_weights(weights)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
