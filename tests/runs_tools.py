"""What runs leave behind, for tests."""

from __future__ import annotations

from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sam2s.formats.export import write_exports
from sam2s.workspace import FrameRecord, Workspace

module = import_module("sam2s.runs.run")


def quiet(what: str, done: int, total: int | None) -> None:
    """Take note of nothing."""


def records(folder: Path) -> list[FrameRecord]:
    """All frames of a workspace."""
    with Workspace.open(folder) as workspace:
        return list(workspace.frames())


def masks(folder: Path) -> dict[int, dict[int, Any]]:
    """All that is stored of every object, by frame."""
    return {r.index: {i: (o.rle, o.iou, o.state, o.quality) for i, o in r.objects.items()} for r in records(folder)}


def export_bytes(folder: Path) -> list[bytes]:
    """Exports without the video, byte for byte."""
    into = folder.with_name(folder.name + "-exports")
    with Workspace.open(folder) as workspace:
        paths = write_exports(workspace, None, ["jsonl", "coco", "csv"], folder=into)
    return [path.read_bytes() for path in paths.values()]


def checkpoint_every(frames: int, monkeypatch: Any) -> None:
    """Let a clock tick with the frames instead of with the world."""
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", frames)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=count().__next__))
