"""The one place on disk for a video: objects, acts, masks and runs in SQLite, snapshots and exports beside it."""

from .connection import FILE
from .edits import Span
from .event_log import KINDS
from .exports import check_free
from .health import WorkspaceReport
from .merging import Layer, prompt_distance
from .reader import WorkspaceReader
from .records import (
    FrameRecord,
    ObjectInfo,
    ObjectRecord,
    VideoIdentity,
    WorkspaceEvent,
    ratio,
    to_fraction,
    to_record,
)
from .runs import RunRecord, RunState
from .workspace import Workspace

__all__ = [
    "FILE",
    "KINDS",
    "FrameRecord",
    "Layer",
    "ObjectInfo",
    "ObjectRecord",
    "RunRecord",
    "RunState",
    "Span",
    "VideoIdentity",
    "Workspace",
    "WorkspaceEvent",
    "WorkspaceReader",
    "WorkspaceReport",
    "check_free",
    "prompt_distance",
    "ratio",
    "to_fraction",
    "to_record",
]
