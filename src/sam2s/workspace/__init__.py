"""The workspace of a video: objects, events, masks and runs in SQLite, next to snapshots and exports."""

from .alarms import AlarmSpan
from .connection import FILE
from .creation import forget
from .edits import FrameSpan
from .event_log import KINDS
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
    "AlarmSpan",
    "FrameRecord",
    "FrameSpan",
    "Layer",
    "ObjectInfo",
    "ObjectRecord",
    "RunRecord",
    "RunState",
    "VideoIdentity",
    "Workspace",
    "WorkspaceEvent",
    "WorkspaceReader",
    "WorkspaceReport",
    "forget",
    "prompt_distance",
    "ratio",
    "to_fraction",
    "to_record",
]
