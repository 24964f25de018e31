"""Reading a workspace."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from sam2s.errors import DamagedWorkspaceError

from .alarms import GAP, SETTLED, AlarmSpan, join_alarms
from .connection import Database
from .edits import Edits, FrameSpan, join
from .event_log import EventLog
from .health import WorkspaceReport, check_event, check_workspace, copy_database
from .mask_table import MaskTable
from .merging import GIVEN, Layer
from .records import FrameRecord, ObjectInfo, VideoIdentity, WorkspaceEvent
from .runs import RunTable
from .schema import NOTABLE
from .timeline import timeline


class WorkspaceReader:
    """What can be asked of a workspace; `Workspace` is one that can be written to as well."""

    def __init__(self, folder: Path, database: Database) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self._database = database
        try:
            text = str(database.query("SELECT value FROM meta WHERE key = 'video'")[0][0])
            self.video = VideoIdentity.from_json(json.loads(text))
        except (LookupError, TypeError, ValueError) as error:
            raise DamagedWorkspaceError(f"{database.path} does not say which video it belongs to ({error})") from error
        self._events, self._masks = EventLog(database), MaskTable(database)
        self._known: set[int] = set()  # objects that are in the file for sure
        self._edits = Edits(self._events, self._masks, self.video.size)
        self.runs = RunTable(database, self._events)

    @property
    def path(self) -> Path:
        """The database."""
        return self._database.path

    @property
    def owner(self) -> str | None:
        """What another process gives to `open` to write as well; None when reading."""
        return self._database.token

    def change_counter(self) -> int:
        """Grows with everything that any process writes; cheap enough to ask several times a second."""
        return int(str(self._database.query("SELECT changes FROM writer")[0][0]))

    def objects(self, *, removed: bool = False) -> list[ObjectInfo]:
        """Objects by ascending id; `removed`: those that were removed, too."""
        return list(self._events.objects(removed=removed).values())

    def next_object_id(self) -> int:
        """An id that no object ever had."""
        return self._events.next_object_id()

    def events(self, since: int = 0, kinds: Iterable[str] | None = None) -> list[WorkspaceEvent]:
        """Acts after an event, by default all, in order."""
        return self._events.read(since, kinds)

    def read_frame(self, frame: int) -> FrameRecord:
        """What is shown on a frame; one without objects where nothing was written.

        Raises:
            DamagedWorkspaceError: a mask was changed or lost.
        """
        return next(self.frames(frame, frame + 1), FrameRecord(frame, None))

    def frames(
        self, start: int = 0, stop: int | None = None, object_ids: Iterable[int] | None = None
    ) -> Iterator[FrameRecord]:
        """What is shown on all frames that were written, in order, of all objects or some.

        Raises:
            DamagedWorkspaceError: a mask was changed or lost.
        """
        wanted = None if object_ids is None else set(object_ids)
        visible = {
            info.object_id: info.end_frame for info in self.objects() if wanted is None or info.object_id in wanted
        }
        return self._masks.frames(start, stop, visible, self.video.size)

    def frame_indices(self) -> np.ndarray:
        """Frames that were written, ascending, int64."""
        return np.array([row[0] for row in self._database.query("SELECT frame FROM frames ORDER BY frame")], np.int64)

    def extents(self, event_id: int) -> dict[int, tuple[int, int, int]]:
        """How much an event wrote so far: first frame, last frame and number of frames by object."""
        rows = self._database.query("SELECT object_id, first, last, count FROM extents WHERE event_id = ?", (event_id,))
        return {int(str(row[0])): (int(str(row[1])), int(str(row[2])), int(str(row[3]))) for row in rows}

    def written(self) -> dict[tuple[int, int], tuple[int, int, int, int]]:
        """What every act wrote: by event and object, first and last frame, frames, and the event that took it back."""
        rows = self._database.query(
            "SELECT event_id, extents.object_id, first, last, count, undone FROM extents JOIN events USING (event_id)"
        )
        numbers = (tuple(int(str(value)) for value in row) for row in rows)
        return {
            (event, object_id): (first, last, count, undone) for event, object_id, first, last, count, undone in numbers
        }

    def accepted(self, object_id: int) -> list[FrameSpan]:
        """Spans of an object that are accepted, each up to its last accepted frame.

        A frame on which the object has no mask at all ends a span, since nobody judged it; those that a run with a
        stride passes over do not.
        """
        rows = self._database.query(
            "SELECT frame, layer FROM versions WHERE object_id = ? AND shown = 1 ORDER BY frame", (object_id,)
        )
        stride = max((int(run.settings.get("stride", 1)) for run in self.runs.all()), default=1)
        return list(join(((int(str(frame)), layer == Layer.ACCEPTED) for frame, layer in rows), stride))

    def is_accepted(self, object_id: int, frame: int) -> bool:
        """Whether the mask of an object on a frame is accepted."""
        rows = self._database.query(
            "SELECT layer FROM versions WHERE object_id = ? AND frame = ? AND shown = 1", (object_id, frame)
        )
        return bool(rows) and rows[0][0] == Layer.ACCEPTED

    def given_frames(self, object_id: int, *, limit: int | None = None) -> list[tuple[int, int, Layer]]:
        """Frames on which a person gave or accepted the mask that is shown: frame, event that wrote it, layer.

        Args:
            object_id: whose.
            limit: return the first so many; None for all.
        """
        return self._given(object_id, "", (), "frame", -1 if limit is None else limit)

    def given_frames_near(self, object_id: int, frame: int, count: int) -> list[tuple[int, int, Layer]]:
        """As `given_frames`, but only the nearest to a frame, nearest first, and never the frame itself."""
        before = self._given(object_id, "AND frame < ?", (frame,), "frame DESC", count)
        behind = self._given(object_id, "AND frame > ?", (frame,), "frame", count)
        return sorted([*before, *behind], key=lambda given: (abs(given[0] - frame), given[0]))[:count]

    def _given(
        self, object_id: int, where: str, values: tuple[int, ...], order: str, limit: int
    ) -> list[tuple[int, int, Layer]]:
        layers = ", ".join(str(int(layer)) for layer in (*GIVEN, Layer.ACCEPTED))
        rows = self._database.query(
            f"SELECT frame, event_id, layer FROM versions WHERE object_id = ? AND shown = 1 AND {NOTABLE} "
            f"AND layer IN ({layers}) {where} ORDER BY {order} LIMIT ?",
            (object_id, *values, limit),
        )
        return [(int(str(frame)), int(str(event_id)), Layer(int(str(layer)))) for frame, event_id, layer in rows]

    def timeline(self, object_id: int, start: int, stop: int, buckets: int) -> np.ndarray:
        """Aggregates over stretches of frames for a drawn timeline.

        Args:
            object_id: whose.
            start, stop: of the frames; the last one is left out.
            buckets: number of stretches, at most one a frame.

        Returns:
            Structured array with the fields start, stop, frames (that have a mask), present (share of those on which
            the object is visible), min_confidence (one minus doubt, or the smaller of predicted IoU and presence where
            nobody judged the mask; of visible ones), and the numbers of frames that are accepted, prompted, brushed,
            imported and deleted, have an alarm, or are uncertain, searching or not judged.
        """
        return timeline(self._database, object_id, start, stop, buckets)

    def video_marks(self, kind: str) -> list[tuple[int, int, float | None]]:
        """Spans of the video of one kind, as noted last."""
        rows = self._database.query(
            "SELECT start, stop, score FROM video_marks WHERE kind = ?1 AND event_id = (SELECT MAX(event_id) FROM "
            "events WHERE kind = 'video_mark' AND undone = 0 AND (json_extract(payload, '$.kind') = ?1 "
            "OR ?1 IN (SELECT value FROM json_each(payload, '$.kinds')))) ORDER BY start",
            (kind,),
        )
        return [
            (int(str(start)), int(str(stop)), None if score is None else float(str(score)))
            for start, stop, score in rows
        ]

    def alarms(self, gap: int = GAP) -> list[AlarmSpan]:
        """What a person should look at, in order: alarms of masks that are shown and that nobody has accepted or made.

        Args:
            gap: alarms of one kind that lie at most so many frames apart are one.
        """
        ends = {info.object_id: info.end_frame for info in self.objects()}
        rows = self._database.query(
            f"SELECT object_id, frame, alarms FROM versions WHERE shown = 1 AND {NOTABLE} AND alarms > 0 "
            f"AND layer NOT IN ({', '.join(str(int(layer)) for layer in SETTLED)}) ORDER BY object_id, frame"
        )
        numbers = ((int(str(object_id)), int(str(frame)), int(str(bits))) for object_id, frame, bits in rows)
        exist = (row for row in numbers if row[0] in ends and _is_before(row[1], ends[row[0]]))
        return join_alarms(exist, gap)

    def check(self) -> WorkspaceReport:
        """Look at everything: the file's structure, every checksum, every count, and what is shown."""
        return check_workspace(self._database, self._masks)

    def check_event(self, event_id: int) -> None:
        """Refuse to go on with an event that lost masks, or whose masks were changed.

        Raises:
            DamagedWorkspaceError: saying what is lost.
        """
        check_event(self._database, self._masks, event_id)

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the database while others may write to it."""
        copy_database(self._database, Path(path))

    def close(self) -> None:
        """Let go of the workspace; idempotent."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_before(frame: int, end: int | None) -> bool:
    return end is None or frame < end
