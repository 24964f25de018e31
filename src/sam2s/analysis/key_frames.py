"""The pictures of a report: frames spread over the case, with masks drawn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from sam2s.masks.layer import OverlayLayer
from sam2s.masks.overlay import draw
from sam2s.video.frame import VideoSource
from sam2s.workspace import Workspace

from .report import KeyFrame
from .series import CaseSeries

COUNT = 6


def choose_frames(case: CaseSeries, count: int = COUNT) -> list[int]:
    """Indices of frames to show: the case in equal stretches, of each the frame with the most visible objects."""
    seen = np.zeros(len(case.frames), int)
    for series in case.objects.values():
        seen += series.measured
    borders = np.linspace(0, len(case.frames), min(count, len(case.frames)) + 1).astype(int)
    return [int(case.frames[start + int(np.argmax(seen[start:stop]))]) for start, stop in pairwise(borders)]


def draw_frames(workspace: Workspace, source: VideoSource, case: CaseSeries) -> Iterator[KeyFrame]:
    """Read and draw the frames that `choose_frames` chose.

    Raises:
        SourceError: the video cannot be read.
    """
    names = {info.object_id: info.name for info in workspace.objects()}
    for index in choose_frames(case):
        record = workspace.read_frame(index)
        layers = [OverlayLayer(object_id, one.mask, names.get(object_id)) for object_id, one in record.objects.items()]
        seconds = float(case.times[int(np.searchsorted(case.frames, index))])
        yield KeyFrame(index, seconds, draw(source.frame(index).image, layers))
