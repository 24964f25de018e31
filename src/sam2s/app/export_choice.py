"""What an export of the app holds: a span, every so many frames, accepted masks alone; and the pictures with it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from sam2s.app.problems import ApiError
from sam2s.app.tasks import Progress
from sam2s.formats.export import picture_names
from sam2s.formats.export_info import ExportInfo
from sam2s.video.frame import Frame, VideoSource
from sam2s.workspace import FrameRecord, Layer, Workspace

PICTURES_IN = {"coco": "{}", "ytvis": "{}", "davis": "JPEGImages/{}", "labelme": "", "yolo": "images/{}"}
"""Forms that pictures can go with, and the folder in the archive where each looks for those of a video."""
MOST_PICTURES = 20_000
_QUALITY = 95
_SOUGHT_FROM = 12
"""Mean distance of wanted frames from which seeking costs less than decoding those between."""


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """Which frames and masks of a workspace are exported.

    Attributes:
        start: the first frame.
        stop: the frame behind the last one, None for the end.
        step: every so many frames, counted from `start`.
        accepted_only: only accepted masks.
    """

    start: int = 0
    stop: int | None = None
    step: int = 1
    accepted_only: bool = False

    def indices(self, written: np.ndarray) -> np.ndarray:
        """Those of the frames that were written, ascending, that are chosen."""
        inside = (written >= self.start) & ((written - self.start) % self.step == 0)
        return written[inside if self.stop is None else inside & (written < self.stop)]


class ChosenMasks(Workspace):
    """A workspace of which only what is chosen is seen."""

    choice = ExportChoice()

    def frames(
        self, start: int = 0, stop: int | None = None, object_ids: Iterable[int] | None = None
    ) -> Iterator[FrameRecord]:
        """Chosen frames with their chosen masks; those without any have none."""
        choice = self.choice
        ends = [end for end in (stop, choice.stop) if end is not None]
        for record in super().frames(max(start, choice.start), min(ends, default=None), object_ids):
            if (record.index - choice.start) % choice.step:
                continue
            if choice.accepted_only:
                kept = {i: entry for i, entry in record.objects.items() if entry.layer == Layer.ACCEPTED}
                record = replace(record, objects=kept)
            yield record

    def frame_indices(self) -> np.ndarray:
        """Chosen frames that were written, ascending, int64."""
        return self.choice.indices(super().frame_indices())


def check_pictures(kind: str, count: int) -> None:
    """Refuse pictures for forms that have no place for them, and more than are packed.

    Raises:
        ApiError: naming the forms, or the bound.
    """
    if kind not in PICTURES_IN:
        raise ApiError("invalid", f"pictures go with {', '.join(PICTURES_IN)}, not with {kind}", "pictures")
    if count > MOST_PICTURES:
        raise ApiError(
            "too-large",
            f"{count} pictures: at most {MOST_PICTURES} are packed; give a span or a greater step",
            "pictures",
        )


def add_pictures(
    archive: zipfile.ZipFile, kind: str, workspace: Workspace, source: VideoSource, report: Progress
) -> None:
    """Write the picture of every chosen frame into an archive, under the name that the export gives it.

    Args:
        archive: open to write.
        kind: of `PICTURES_IN`.
        workspace: with the frames.
        source: its video.
        report: is told how many are written.
    """
    folder = PurePosixPath(PICTURES_IN[kind].format(ExportInfo.of(workspace).folder_name))
    names = picture_names(source)
    wanted = workspace.frame_indices().tolist()
    for done, frame in enumerate(_decoded(source, wanted), 1):
        name = names.get(frame.index, f"{frame.index:05d}.jpg")
        archive.writestr(str(folder / name), _encoded(frame.image, name))
        report(done, len(wanted))


def _decoded(source: VideoSource, wanted: list[int]) -> Iterator[Frame]:
    """Frames in order: one after another where most are wanted, else each sought by itself."""
    if wanted and wanted[-1] - wanted[0] < _SOUGHT_FROM * len(wanted):
        known = set(wanted)
        yield from (frame for frame in source.frames(wanted[0], wanted[-1] + 1) if frame.index in known)
    else:
        yield from (next(iter(source.frames(index, index + 1))) for index in wanted)


def _encoded(rgb: np.ndarray, name: str) -> bytes:
    buffer = io.BytesIO()
    lossless = not name.lower().endswith((".jpg", ".jpeg"))
    Image.fromarray(rgb).save(buffer, "PNG" if lossless else "JPEG", quality=_QUALITY)
    return buffer.getvalue()
