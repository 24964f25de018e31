"""Edits of existing masks: accept, delete, merge, split, swap.

Each writes new rows under its own event; rows with a mask share it with the row that it was taken from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sam2s.errors import WorkspaceError
from sam2s.masks import rle

from .event_log import EventLog
from .mask_table import MaskTable
from .merging import GIVEN, Layer
from .records import WorkspaceEvent
from .version import Version


class FrameSpan(NamedTuple):
    """Frames from `start` to `stop`, exclusive."""

    start: int
    stop: int


class Edits:
    """The edits; each runs within a transaction of its caller."""

    def __init__(self, events: EventLog, masks: MaskTable, size: tuple[int, int]) -> None:
        self._events, self._masks, self._size = events, masks, size

    def accept(self, object_ids: Iterable[int], span: FrameSpan, author: str | None) -> WorkspaceEvent:
        """Accept the masks that are shown, so that no propagation replaces them.

        Raises:
            WorkspaceError: the span holds no mask of these objects.
        """
        object_ids = self._known(object_ids)
        event = self._span_event("accept", object_ids, span, author)
        count = sum(
            self._masks.put(
                version._replace(event_id=event.event_id, layer=Layer.ACCEPTED, prompt_distance=None)
                for version in self._masks.shown_versions(object_id, *span)
                if version.mask_id is not None
            )
            for object_id in object_ids
        )
        if not count:
            raise WorkspaceError(
                f"no mask of {_say(object_ids)} is shown in {_say_span(span)}; there is nothing to accept"
            )
        return event

    def unaccept(self, object_ids: Iterable[int], span: FrameSpan, author: str | None) -> WorkspaceEvent:
        """Revoke acceptance."""
        return self._mark("unaccept", Layer.UNACCEPTED, object_ids, span, author, (Layer.ACCEPTED,))

    def clear(self, object_id: int, frame: int, author: str | None) -> WorkspaceEvent:
        """Remove the prompts of an object on a frame, and their mask."""
        event = self._events.append("clear", frame=frame, object_id=object_id, author=author)
        self._masks.put([Version(object_id, frame, event.event_id, Layer.CLEARED)])
        return event

    def delete(self, object_ids: Iterable[int], span: FrameSpan, author: str | None) -> WorkspaceEvent:
        """Delete masks, but not accepted ones."""
        masks = (Layer.PROPAGATED, *GIVEN)
        return self._mark("delete_masks", Layer.DELETED, object_ids, span, author, masks)

    def merge(self, kept: int, merged: int, author: str | None) -> WorkspaceEvent:
        """Merge two objects: the union where both have a mask; accepted masks of the first are kept."""
        if kept == merged:
            raise WorkspaceError(f"object {kept} cannot be merged with itself; give two objects")
        self._known([kept, merged])
        payload = {"merged": merged}
        event = self._events.append("merge", object_id=kept, payload=payload, author=author)
        before = {version.frame: version for version in self._masks.shown_versions(kept, 0, None)}
        moved: list[Version] = []
        for version in self._masks.shown_versions(merged, 0, None):
            own = before.get(version.frame)
            if version.mask_id is None or (own is not None and own.layer == Layer.ACCEPTED):
                continue
            if own is None or not own.area:
                moved.append(self._moved(version, kept, event.event_id))
            elif version.area:
                self._write_union(own, version, event.event_id)
        self._masks.put(moved)
        self._events.edit_object(event.event_id, merged, {"removed": True})
        return event

    def split(self, object_id: int, frame: int, new_id: int, author: str | None) -> WorkspaceEvent:
        """Give the masks of an object from a frame on to a new object.

        Raises:
            WorkspaceError: it has no masks from that frame on.
        """
        (name,) = (self._events.objects()[i].name for i in self._known([object_id]))
        event = self._events.append("split", frame=frame, object_id=object_id, payload={"new": new_id}, author=author)
        moved = [v for v in self._masks.shown_versions(object_id, frame, None) if v.mask_id is not None]
        if not moved:
            raise WorkspaceError(
                f"object {object_id} has no masks from frame {frame} on; there is nothing to split off"
            )
        self._events.edit_object(event.event_id, new_id, {"name": name})
        self._masks.put(self._moved(version, new_id, event.event_id) for version in moved)
        self._masks.put(self._gone(version, event.event_id) for version in moved)
        return event

    def swap(self, first: int, second: int, frame: int, author: str | None) -> WorkspaceEvent:
        """Exchange the masks of two objects from a frame on."""
        if first == second:
            raise WorkspaceError(f"object {first} cannot be swapped with itself; give two objects")
        self._known([first, second])
        payload = {"other": second}
        event = self._events.append("swap", frame=frame, object_id=first, payload=payload, author=author)
        shown = {i: {v.frame: v for v in self._masks.shown_versions(i, frame, None)} for i in (first, second)}
        for taker, giver in ((first, second), (second, first)):
            self._masks.put(self._moved(version, taker, event.event_id) for version in shown[giver].values())
            left = [version for at, version in shown[taker].items() if at not in shown[giver]]
            self._masks.put(self._gone(version, event.event_id) for version in left)
        return event

    def _mark(
        self,
        kind: str,
        mark: Layer,
        object_ids: Iterable[int],
        span: FrameSpan,
        author: str | None,
        concerned: tuple[Layer, ...],
    ) -> WorkspaceEvent:
        object_ids = self._known(object_ids)
        event = self._span_event(kind, object_ids, span, author)
        for object_id in object_ids:
            self._masks.put(
                Version(object_id, version.frame, event.event_id, mark, barrier=int(mark == Layer.DELETED))
                for version in self._masks.shown_versions(object_id, *span)
                if version.layer in concerned
            )
        return event

    def _span_event(self, kind: str, object_ids: list[int], span: FrameSpan, author: str | None) -> WorkspaceEvent:
        if not 0 <= span.start < span.stop:
            raise WorkspaceError(f"{_say_span(span)} holds no frame; give a start from 0 up and a stop beyond it")
        only = object_ids[0] if len(object_ids) == 1 else None
        payload = {"objects": object_ids, "start": span.start, "stop": span.stop}
        return self._events.append(kind, frame=span.start, object_id=only, payload=payload, author=author)

    def _write_union(self, own: Version, other: Version, event_id: int) -> None:
        masks = [
            rle.decode({"size": list(self._size), "counts": self._masks.read_mask(version.mask_id).decode("ascii")})
            for version in (own, other)
            if version.mask_id is not None
        ]
        union = rle.encode(masks[0] | masks[1])
        better = max(own, other, key=lambda version: (version.iou or 0, version.presence or 0))
        version = better._replace(
            object_id=own.object_id,
            event_id=event_id,
            layer=max(own.layer, other.layer),
            barrier=1,
            area=rle.area(union),
            prompted=max(own.prompted, other.prompted),
            prompt_distance=None,
        )
        self._masks.put_mask(version, str(union["counts"]).encode("ascii"))

    def _moved(self, version: Version, object_id: int, event_id: int) -> Version:
        return version._replace(object_id=object_id, event_id=event_id, barrier=1, prompt_distance=None)

    def _gone(self, version: Version, event_id: int) -> Version:
        return Version(version.object_id, version.frame, event_id, Layer.DELETED, barrier=1)

    def _known(self, object_ids: Iterable[int]) -> list[int]:
        known, wanted = self._events.objects(), sorted(set(object_ids))
        for object_id in wanted:
            if object_id not in known:
                raise WorkspaceError(f"there is no object {object_id}; objects: {', '.join(map(str, known)) or 'none'}")
        if not wanted:
            raise WorkspaceError("no object is given; name at least one")
        return wanted


def join(frames: Iterable[tuple[int, bool]], stride: int = 1) -> Iterator[FrameSpan]:
    """Spans of those frames, ascending, of which the second part is true, each up to the last such frame.

    A span ends before a frame of which it is false, and where the next frame comes more than `stride` later.
    """
    span: FrameSpan | None = None
    for frame, inside in frames:
        goes_on = span is not None and inside and frame - span.stop < stride
        if span is not None and not goes_on:
            yield span
            span = None
        if inside:
            span = FrameSpan(frame if span is None else span.start, frame + 1)
    if span is not None:
        yield span


def _say(object_ids: list[int]) -> str:
    return f"object{'s' if len(object_ids) > 1 else ''} {', '.join(map(str, object_ids))}"


def _say_span(span: FrameSpan) -> str:
    return f"frames {span.start} to {span.stop}"
