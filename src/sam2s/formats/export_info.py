"""What exports say of the video and the objects whose masks they hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from sam2s.workspace import WorkspaceReader


@dataclass(frozen=True)
class ExportInfo:
    """The head of an export.

    Attributes:
        source: name of the video.
        size: (H, W) of its frames.
        fps: frames a second, or None where unknown.
        names: of objects, by id; unnamed ones may be missing.
        weights: name of the weights that tracked last, empty where none did.
        length: frames of the video, or None where unknown.
        path: where the video is, or None.
    """

    source: str
    size: tuple[int, int]
    fps: Fraction | None
    names: dict[int, str] = field(default_factory=dict)
    weights: str = ""
    length: int | None = None
    path: str | None = None

    @classmethod
    def of(cls, workspace: WorkspaceReader) -> ExportInfo:
        """Head of the exports of a workspace."""
        video = workspace.video
        names = {info.object_id: info.name for info in workspace.objects() if info.name}
        weights = [run.weights for run in workspace.runs.all()]
        return cls(video.name, video.size, video.fps, names, weights[-1] if weights else "", video.length, video.path)

    def name(self, object_id: int) -> str:
        """What an object is called in exports; "object" where nobody named it."""
        return self.names.get(object_id, "object")

    @property
    def folder_name(self) -> str:
        """The source's name as one part of a path."""
        return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", self.source).strip("._ ") or "masks"
