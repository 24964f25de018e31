"""The one place on disk for a video: its objects, every act, and the masks of every frame."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from sam2s.errors import OutputError, WorkspaceError

from .connection import FILE, create_database, is_blank, open_database
from .creation import emptied_database
from .edits import FrameSpan
from .event_log import object_fields
from .health import WorkspaceReport
from .merging import Layer
from .reader import WorkspaceReader
from .records import FrameRecord, ObjectInfo, VideoIdentity, WorkspaceEvent
from .repair import repair_workspace


class Workspace(WorkspaceReader):
    """A folder with `workspace.sqlite`, and the snapshots and exports beside it.

        with Workspace.create(folder, VideoIdentity.of(source)) as workspace:
            event = workspace.record("propagate")
            for result in session.propagate():
                workspace.write_frame(to_record(result), event.event_id)
        with Workspace.open(folder) as workspace:
            workspace.read_frame(12).objects[1].mask

    One process writes at a time, any number read meanwhile. What a method wrote is in the file when it returns; an act
    of a person survives a power cut from then on. Threads may share a workspace.

    Attributes:
        folder: where it lies.
        video: the video it belongs to.
        runs: the tracking runs in it.
    """

    @classmethod
    def create(
        cls,
        folder: str | os.PathLike[str],
        video: VideoIdentity,
        *,
        overwrite: bool = False,
        take_over: bool = False,
        owner: str | None = None,
    ) -> Self:
        """Make an empty workspace and open it to write.

        Args:
            folder: made when missing; other files in it are left alone.
            video: which it belongs to.
            overwrite: empty the workspace that lies there.
            take_over, owner: as in `open`.

        Raises:
            OutputError: the folder holds a workspace already, or cannot be written.
        """
        folder, token = Path(folder), owner or uuid.uuid4().hex
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot write {folder}: {error.strerror or error}; free space there or choose another --out"
            ) from error
        blank = is_blank(path)
        if not blank and not overwrite:
            raise WorkspaceError(f"{folder} holds a workspace already; open it, give another folder, or overwrite it")
        database = create_database(path, token) if blank else emptied_database(path, token, take_over)
        try:
            with database.transaction(durable=True) as connection:
                connection.execute("INSERT INTO meta VALUES ('video', ?)", (json.dumps(video.to_json()),))
            return cls(folder, database)
        except BaseException:
            database.close()
            raise

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        write: bool = False,
        take_over: bool = False,
        owner: str | None = None,
    ) -> Self:
        """Open a workspace that exists.

        Args:
            folder: of the workspace, or its `workspace.sqlite`.
            write: to change it; else it is only read.
            take_over: write although another process does; that one can write no more.
            owner: the `owner` of a workspace that another process of the same program has open: both write.

        Raises:
            WorkspaceError: there is none, or it is not one that this sam2s reads.
            WorkspaceInUseError: another process writes to it.
            DamagedWorkspaceError: it is damaged; see `repair`.
        """
        path = Path(folder)
        path = path if path.name == FILE else path / FILE
        token = (owner or uuid.uuid4().hex) if write else None
        database = open_database(path, token=token, take_over=take_over)
        try:
            return cls(path.parent, database)
        except BaseException:
            database.close()
            raise

    @staticmethod
    def exists(folder: str | os.PathLike[str]) -> bool:
        """Whether a folder holds a workspace."""
        path = Path(folder)
        return not is_blank(path if path.name == FILE else path / FILE)

    @staticmethod
    def repair(folder: str | os.PathLike[str]) -> WorkspaceReport:
        """Keep a copy of a damaged workspace and recover what can be read of it, as far as SQLite can."""
        return repair_workspace(Path(folder))

    def transaction(self) -> AbstractContextManager[object]:
        """Write all of what is done inside at once, or nothing: faster for many frames."""
        return self._database.transaction()

    def make_durable(self) -> None:
        """Wait until the disk holds all that was written, so that a power cut cannot take it back."""
        with self._database.transaction(durable=True):
            pass

    def put_object(self, info: ObjectInfo, *, author: str | None = None, kind: str = "object") -> WorkspaceEvent:
        """Say what an object is: a new one, or one that is named, coloured, hidden or ended otherwise from now on."""
        with self._database.transaction(durable=True):
            known = self._events.objects(removed=True).get(info.object_id)
            fields = object_fields(info)
            if known is not None:
                fields = {name: value for name, value in fields.items() if value != getattr(known, name)}
            event = self._events.append(kind, object_id=info.object_id, payload=fields, author=author)
            self._events.edit_object(event.event_id, info.object_id, fields)
        return event

    def remove_object(self, object_id: int, *, author: str | None = None) -> WorkspaceEvent:
        """Remove an object with all its masks."""
        return self.put_object(replace(self._object(object_id), removed=True), author=author, kind="remove")

    def end_object(self, object_id: int, frame: int | None, *, author: str | None = None) -> WorkspaceEvent:
        """Say from which frame on an object has no masks; None: it has not left."""
        return self.put_object(replace(self._object(object_id), end_frame=frame), author=author, kind="end")

    def record(
        self,
        kind: str,
        *,
        frame: int | None = None,
        object_id: int | None = None,
        payload: Mapping[str, Any] | None = None,
        author: str | None = None,
    ) -> WorkspaceEvent:
        """Record an event; it is on disk when this returns."""
        with self._database.transaction(durable=True):
            return self._events.append(kind, frame=frame, object_id=object_id, payload=payload, author=author)

    def undo(self, event_id: int | None = None, *, author: str | None = None) -> WorkspaceEvent | None:
        """Take back an act and the masks it wrote, by default the last one; None if there is none."""
        with self._database.transaction(durable=True):
            event = self._events.mark_undone(event_id, author)
            if event is not None:
                self._masks.resolve_event(event.event_id)
                self._known.clear()
            return event

    def redo(self, event_id: int | None = None, *, author: str | None = None) -> WorkspaceEvent | None:
        """Do again what was taken back, by default last, if nothing was done since; None if there is nothing."""
        with self._database.transaction(durable=True):
            event = self._events.mark_redone(event_id, author)
            if event is not None:
                self._masks.resolve_event(event.event_id)
                self._known.clear()
            return event

    def write_frame(
        self,
        record: FrameRecord,
        event_id: int,
        *,
        layer: Layer = Layer.PROPAGATED,
        prompt_distances: Mapping[int, int | None] | None = None,
    ) -> None:
        """Write the masks of a frame under an event; what that event wrote of them before is replaced.

        Args:
            record: the frame; layers and events in it are not read, objects that are new are added.
            event_id: of `record`.
            layer: where the masks come from.
            prompt_distances: of propagated masks, by object, as `sam2s.workspace.prompt_distance` gives them.

        Raises:
            OutputError: a mask does not fit the video, or the disk is full; nothing of the frame is written.
        """
        for entry in record.objects.values():
            if tuple(entry.rle["size"]) != tuple(self.video.size):
                raise OutputError(
                    f"the mask of object {entry.object_id} on frame {record.index} has size {entry.rle['size']}, "
                    f"frames of {self.video.name} have {list(self.video.size)}"
                )
        with self._database.transaction():
            if unknown := record.objects.keys() - self._known:
                self._known = set(self._events.objects(removed=True))
                for object_id in sorted(unknown - self._known):
                    self._events.edit_object(event_id, object_id, {"hidden": False})
            self._masks.write(record, event_id, layer, prompt_distances or {})

    def accept(self, object_ids: Iterable[int], start: int, stop: int, *, author: str | None = None) -> WorkspaceEvent:
        """Accept what is shown from a frame up to another: no propagation replaces it."""
        with self._database.transaction(durable=True):
            return self._edits.accept(object_ids, FrameSpan(start, stop), author)

    def unaccept(
        self, object_ids: Iterable[int], start: int, stop: int, *, author: str | None = None
    ) -> WorkspaceEvent:
        """Take acceptance back."""
        with self._database.transaction(durable=True):
            return self._edits.unaccept(object_ids, FrameSpan(start, stop), author)

    def clear_prompts(self, object_id: int, frame: int, *, author: str | None = None) -> WorkspaceEvent:
        """Take back the prompts of an object on a frame, and the mask that answered them."""
        with self._database.transaction(durable=True):
            return self._edits.clear(object_id, frame, author)

    def delete_masks(
        self, object_ids: Iterable[int], start: int, stop: int, *, author: str | None = None
    ) -> WorkspaceEvent:
        """Delete masks from a frame up to another, but not accepted ones."""
        with self._database.transaction(durable=True):
            return self._edits.delete(object_ids, FrameSpan(start, stop), author)

    def merge_objects(self, kept: int, merged: int, *, author: str | None = None) -> WorkspaceEvent:
        """Make one object of two: where both have a mask, the union."""
        with self._database.transaction(durable=True):
            return self._edits.merge(kept, merged, author)

    def split_object(self, object_id: int, frame: int, *, author: str | None = None) -> int:
        """Give the masks of an object from a frame on to a new object; returns its id."""
        with self._database.transaction(durable=True):
            new_id = self.next_object_id()
            self._edits.split(object_id, frame, new_id, author)
            return new_id

    def swap_objects(self, first: int, second: int, frame: int, *, author: str | None = None) -> WorkspaceEvent:
        """Exchange the masks of two objects from a frame on."""
        with self._database.transaction(durable=True):
            return self._edits.swap(first, second, frame, author)

    def put_video_marks(
        self, marks: Mapping[str, Iterable[tuple[int, int, float | None]]], *, author: str | None = None
    ) -> WorkspaceEvent:
        """Note spans of the video itself by kind, with scores, in place of older ones of these kinds; one act."""
        with self._database.transaction(durable=True) as connection:
            event = self._events.append("video_mark", payload={"kinds": list(marks)}, author=author)
            rows = [(event.event_id, kind, *span) for kind, spans in marks.items() for span in spans]
            connection.executemany(
                "INSERT INTO video_marks (event_id, kind, start, stop, score) VALUES (?, ?, ?, ?, ?)", rows
            )
        return event

    def _object(self, object_id: int) -> ObjectInfo:
        objects = self._events.objects()
        if object_id not in objects:
            known = ", ".join(map(str, objects)) or "none"
            raise WorkspaceError(f"there is no object {object_id}; objects: {known}")
        return objects[object_id]
