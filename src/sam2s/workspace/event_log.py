"""Events in the database: appended, never changed, undone and redone by a mark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sam2s.errors import WorkspaceError

from .connection import Database, decoded
from .records import ObjectInfo, WorkspaceEvent

KINDS = (
    *("prompt", "clear", "object", "remove", "end", "rename", "propagate", "brush", "accept", "unaccept"),
    *("delete_masks", "merge", "split", "swap", "import", "teach", "video_mark", "note", "undo", "redo"),
    "forget",  # remove a frame from the memory of an object
)
"""Kinds of events."""
LASTING = ("undo", "redo", "teach", "note")
"""Kinds that cannot be undone."""
EVENT_COLUMNS = "event_id, time, kind, frame, object_id, payload, author, run_id, undone"
"""Columns for `to_event`."""
_FIELDS = ("name", "instance", "colour", "hidden", "locked", "end_frame", "removed")


class EventLog:
    """Appends events; every method that writes runs within a transaction of its caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        kind: str,
        *,
        frame: int | None = None,
        object_id: int | None = None,
        payload: Mapping[str, Any] | None = None,
        author: str | None = None,
        run_id: int | None = None,
    ) -> WorkspaceEvent:
        """Append an event.

        Raises:
            WorkspaceError: its kind is not known, or its payload is not JSON.
        """
        if kind not in KINDS:
            raise WorkspaceError(f"event kind {kind!r} is not known; allowed are {', '.join(KINDS)}")
        try:
            text = json.dumps(dict(payload or {}), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise WorkspaceError(
                f"the payload of a {kind} event is not JSON ({error}); give numbers, texts and lists"
            ) from error
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        cursor = self._database.connection.execute(
            "INSERT INTO events (time, kind, frame, object_id, payload, author, run_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (now, kind, frame, object_id, text, author, run_id),
        )
        return WorkspaceEvent(cursor.lastrowid or 0, now, kind, frame, object_id, json.loads(text), author, run_id)

    def edit_object(self, event_id: int, object_id: int, fields: Mapping[str, Any]) -> None:
        """Record new values of an object's fields under an event."""
        if object_id < 1:
            raise WorkspaceError(f"object id {object_id} is not allowed; ids begin at 1")
        rows = [(event_id, object_id, name, _pack(value)) for name, value in fields.items()]
        self._database.connection.executemany("INSERT OR REPLACE INTO object_edits VALUES (?, ?, ?, ?)", rows)

    def objects(self, *, removed: bool = False) -> dict[int, ObjectInfo]:
        """Objects by id, according to all events that were not undone; with `removed`, removed ones too."""
        fields: dict[int, dict[str, Any]] = {}
        rows = self._database.query(
            "SELECT object_edits.object_id, field, value FROM object_edits JOIN events USING (event_id) "
            "WHERE undone = 0 ORDER BY event_id"
        )
        with decoded(self._database.path):
            for object_id, name, value in rows:
                fields.setdefault(int(str(object_id)), {})[str(name)] = value
            infos = {object_id: object_info(object_id, fields[object_id]) for object_id in sorted(fields)}
        return {object_id: info for object_id, info in infos.items() if removed or not info.removed}

    def next_object_id(self) -> int:
        """An id that no object ever had, including undone ones."""
        return int(str(self._database.query("SELECT COALESCE(MAX(object_id), 0) + 1 FROM object_edits")[0][0]))

    def read(self, since: int = 0, kinds: Iterable[str] | None = None) -> list[WorkspaceEvent]:
        """Events after an event id, in order."""
        chosen = None if kinds is None else set(kinds)
        rows = self._database.query(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id > ? ORDER BY event_id", (since,)
        )
        with decoded(self._database.path):
            return [to_event(row) for row in rows if chosen is None or row[2] in chosen]

    def get(self, event_id: int) -> WorkspaceEvent:
        """Return one event.

        Raises:
            WorkspaceError: there is none with this id.
        """
        rows = self._database.query(f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id = ?", (event_id,))
        if not rows:
            raise WorkspaceError(f"there is no event {event_id} in {self._database.path}")
        with decoded(self._database.path):
            return to_event(rows[0])

    def mark_undone(self, event_id: int | None, author: str | None) -> WorkspaceEvent | None:
        """Mark an event as undone, by default the last one; None if there is nothing to undo.

        Raises:
            WorkspaceError: there is no such event, or it cannot be undone.
        """
        if event_id is None:
            newest = self._newest_live()
            if newest is None:
                return None
            event_id = newest
        event = self.get(event_id)
        if event.kind in LASTING:
            raise WorkspaceError(f"event {event_id} is of kind {event.kind}, which is not taken back")
        if event.undone:
            raise WorkspaceError(f"event {event_id} was taken back before; redo({event_id}) does it again")
        mark = self.append("undo", payload={"event_id": event_id}, author=author)
        self._set_undone(event_id, mark.event_id)
        return self.get(event_id)

    def mark_redone(self, event_id: int | None, author: str | None) -> WorkspaceEvent | None:
        """Mark an undone event as redone, by default the one undone last, if there are no later events.

        Raises:
            WorkspaceError: there is no such event, or it was not undone.
        """
        if event_id is None:
            rows = self._database.query(
                "SELECT event_id, undone FROM events WHERE undone > 0 ORDER BY undone DESC LIMIT 1"
            )
            if not rows or (self._newest_live() or 0) > int(str(rows[0][1])):
                return None
            event_id = int(str(rows[0][0]))
        event = self.get(event_id)
        if not event.undone:
            raise WorkspaceError(f"event {event_id} was not taken back; there is nothing to do again")
        self.append("redo", payload={"event_id": event_id}, author=author)
        self._set_undone(event_id, 0)
        return self.get(event_id)

    def _newest_live(self) -> int | None:
        lasting = ", ".join(f"'{kind}'" for kind in LASTING)
        rows = self._database.query(f"SELECT MAX(event_id) FROM events WHERE undone = 0 AND kind NOT IN ({lasting})")
        return None if rows[0][0] is None else int(str(rows[0][0]))

    def _set_undone(self, event_id: int, undone: int) -> None:
        self._database.connection.execute("UPDATE events SET undone = ? WHERE event_id = ?", (undone, event_id))


def object_fields(info: ObjectInfo) -> dict[str, Any]:
    """Fields of an object, by name."""
    return {name: getattr(info, name) for name in _FIELDS}


def _pack(value: Any) -> Any:
    return (
        json.dumps(list(value))
        if isinstance(value, (tuple, list))
        else int(value)
        if isinstance(value, bool)
        else value
    )


def object_info(object_id: int, fields: dict[str, Any]) -> ObjectInfo:
    """Build an object from its stored fields.

    Raises:
        ValueError, TypeError: a value is damaged.
    """
    colour, name = fields.get("colour"), fields.get("name")
    end, instance = fields.get("end_frame"), fields.get("instance")
    return ObjectInfo(
        object_id,
        None if name is None else str(name),
        None if instance is None else int(instance),
        None if colour is None else to_colour(colour),
        bool(fields.get("hidden")),
        bool(fields.get("locked")),
        None if end is None else int(end),
        bool(fields.get("removed")),
    )


def to_colour(text: str) -> tuple[int, int, int]:
    """Parse a stored colour into (red, green, blue), 0 to 255."""
    red, green, blue = json.loads(text)
    return int(red), int(green), int(blue)


def to_event(row: tuple[Any, ...]) -> WorkspaceEvent:
    """Build an event from its row.

    Raises:
        ValueError, TypeError: a value is damaged.
    """
    event_id, time, kind, frame, object_id, payload, author, run_id, undone = row
    data = json.loads(payload)
    if not isinstance(data, dict) or not all(isinstance(x, int | None) for x in (frame, object_id, run_id, undone)):
        raise ValueError(f"event {event_id} cannot be read")
    return WorkspaceEvent(event_id, time, kind, frame, object_id, data, author, run_id, undone)
