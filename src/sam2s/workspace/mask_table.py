"""Masks in the database: written under an event, read back by frame, and which of them is shown."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from sam2s.errors import DamagedWorkspaceError
from sam2s.masks import rle
from sam2s.tracking.mask_quality import MaskQuality, from_bits, to_bits

from .connection import Database, decoded
from .merging import Claim, Layer, choose
from .records import FrameRecord, ObjectRecord, ratio, to_fraction, to_units
from .schema import SCALE, STATES
from .version import Version

_STATE_OF = {code: state for state, code in STATES.items()}
_COLUMNS = (
    "object_id, frame, event_id, layer, barrier, mask_id, area, state, iou, presence, prompted, prompt_distance, "
    "category_id, category_probability, expected_iou, doubt, alarms"
)
CHUNK = 64
"""Frames that are read together."""


class MaskTable:
    """Writes and reads masks; every method that writes runs within a transaction of its caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self, record: FrameRecord, event_id: int, layer: Layer, prompt_distances: Mapping[int, int | None]
    ) -> None:
        """Write a frame under an event; what the event wrote of the same objects on this frame before is replaced."""
        connection = self._database.connection
        pts = ratio(record.pts)
        new = connection.execute("INSERT OR IGNORE INTO frames VALUES (?, ?)", (record.index, pts)).rowcount
        if not new and pts is not None:
            connection.execute("UPDATE frames SET pts = ? WHERE frame = ? AND pts IS NULL", (pts, record.index))
        for object_id, entry in record.objects.items():
            where = f"object {object_id} on frame {record.index}: "
            counts = entry.rle["counts"]
            blob = (counts if isinstance(counts, str) else rle.compress(counts)).encode("ascii")
            probability, quality = entry.category_probability, entry.quality
            version = Version(
                object_id,
                record.index,
                event_id,
                int(layer),
                0,
                None,
                rle.area(entry.rle),
                STATES[entry.state],
                to_units(entry.iou, where + "predicted IoU"),
                to_units(entry.presence, where + "presence"),
                int(entry.prompted),
                prompt_distances.get(object_id),
                None if entry.category is None else self._category(entry.category),
                None if probability is None else to_units(probability, where + "category probability"),
                None if quality is None else to_units(quality.expected_iou, where + "expected IoU"),
                None if quality is None else to_units(quality.doubt, where + "doubt"),
                None if quality is None else to_bits(quality.alarms),
            )
            self.put_mask(version, blob)

    def put(self, versions: Iterable[Version]) -> int:
        """Write rows that share masks with others, or hold none; returns how many."""
        spans: dict[int, tuple[int, int]] = {}
        count = 0
        for version in versions:
            mask_crc = 0 if version.mask_id is None else self._mask_crc(version.mask_id)
            self._write_row(version, mask_crc, shown=False)
            first, last = spans.get(version.object_id, (version.frame, version.frame))
            spans[version.object_id] = min(first, version.frame), max(last, version.frame)
            count += 1
        for object_id, (first, last) in spans.items():
            self.resolve(object_id, first, last)
        return count

    def resolve(self, object_id: int, first: int, last: int) -> None:
        """Find out anew what is shown of an object from one frame to another, both included."""
        rows = self._database.connection.execute(
            "SELECT versions.frame, versions.event_id, layer, prompt_distance, barrier, shown, undone "
            "FROM versions JOIN events USING (event_id) "
            "WHERE versions.object_id = ? AND versions.frame BETWEEN ? AND ? ORDER BY versions.frame, event_id",
            (object_id, first, last),
        )
        changes: list[tuple[int, int, int, int]] = []
        for frame, group in groupby(rows, key=lambda row: row[0]):
            claims, before = [], []
            for _, event_id, layer, distance, barrier, shown, undone in group:
                if shown:
                    before.append(event_id)
                if not undone:
                    claims.append(Claim(event_id, layer, distance, bool(barrier)))
            chosen = choose(claims)
            if before != ([] if chosen is None else [chosen]):
                changes += [(0, object_id, frame, event_id) for event_id in before]
                if chosen is not None:
                    changes.append((1, object_id, frame, chosen))
        self._database.connection.executemany(
            "UPDATE versions SET shown = ? WHERE object_id = ? AND frame = ? AND event_id = ?", changes
        )

    def resolve_event(self, event_id: int) -> None:
        """Find out anew what is shown wherever an event wrote."""
        extents = self._database.connection.execute(
            "SELECT object_id, first, last FROM extents WHERE event_id = ? AND object_id > 0", (event_id,)
        ).fetchall()
        for extent in extents:
            self.resolve(*extent)

    def shown_versions(self, object_id: int, start: int, stop: int | None) -> Iterator[Version]:
        """Rows that are shown of an object, by frame, masks and deletions."""
        rows = self._database.connection.execute(
            f"SELECT {_COLUMNS} FROM versions WHERE object_id = ? AND frame >= ? AND frame < ? AND shown = 1 "
            "ORDER BY frame",
            (object_id, start, _end(stop)),
        )
        return (Version(*row) for row in rows.fetchall())

    def read_mask(self, mask_id: int) -> bytes:
        """Compressed counts of a mask, checked.

        Raises:
            DamagedWorkspaceError: the mask is missing or was changed.
        """
        row = self._database.connection.execute("SELECT rle, crc FROM masks WHERE mask_id = ?", (mask_id,)).fetchone()
        if row is None or zlib.crc32(row[0]) != row[1]:
            raise DamagedWorkspaceError(f"{self._database.path}: mask {mask_id} is damaged or missing; {_MEND}")
        return bytes(row[0])

    def frames(
        self, start: int, stop: int | None, visible: Mapping[int, int | None], size: tuple[int, int]
    ) -> Iterator[FrameRecord]:
        """Frames in order with what is shown on them.

        Args:
            start, stop: of the frames; the last one is left out.
            visible: objects to read, and the frame from which on each has no masks.
            size: (H, W) of the masks.

        Raises:
            DamagedWorkspaceError: a mask was changed or lost.
        """
        while True:
            with self._database.lock:
                times = self._database.query(
                    "SELECT frame, pts FROM frames WHERE frame >= ? AND frame < ? ORDER BY frame LIMIT ?",
                    (start, _end(stop), CHUNK),
                )
                if not times:
                    return
                first, last = int(str(times[0][0])), int(str(times[-1][0]))
                objects: dict[int, dict[int, ObjectRecord]] = {}
                for object_id, end in sorted(visible.items()):
                    until = last + 1 if end is None else min(end, last + 1)
                    for record, frame in self._objects(object_id, first, until, size):
                        objects.setdefault(frame, {})[object_id] = record
            for number, pts in times:
                frame = int(str(number))
                with decoded(self._database.path):
                    time = to_fraction(None if pts is None else str(pts))
                yield FrameRecord(frame, time, objects.get(frame, {}))
            start = last + 1

    def _objects(
        self, object_id: int, start: int, stop: int, size: tuple[int, int]
    ) -> Iterator[tuple[ObjectRecord, int]]:
        rows = self._database.query(
            "SELECT versions.object_id, frame, event_id, layer, barrier, versions.mask_id, area, state, iou, presence, "
            "prompted, prompt_distance, versions.category_id, category_probability, expected_iou, doubt, alarms, "
            "versions.crc, masks.rle, masks.crc, categories.name "
            "FROM versions LEFT JOIN masks USING (mask_id) LEFT JOIN categories USING (category_id) "
            "WHERE object_id = ? AND frame >= ? AND frame < ? AND shown = 1 AND versions.mask_id IS NOT NULL",
            (object_id, start, stop),
        )
        for row in rows:
            version = Version(*row[: len(Version._fields)])  # type: ignore[arg-type]
            crc, blob, mask_crc, category = row[len(Version._fields) :]
            self.check_row(version, crc, blob, mask_crc)
            if category is None and version.category_id is not None:
                raise DamagedWorkspaceError(
                    f"{self._database.path}: category {version.category_id} is missing; {_MEND}"
                )
            assert isinstance(blob, bytes)
            probability = version.category_probability
            record = ObjectRecord(
                object_id,
                {"size": list(size), "counts": blob.decode("ascii")},
                (version.iou or 0) / SCALE,
                (version.presence or 0) / SCALE,
                _STATE_OF[version.state or 0],
                bool(version.prompted),
                None if category is None else str(category),
                None if probability is None else probability / SCALE,
                Layer(version.layer),
                version.event_id,
                _quality(version),
            )
            yield record, version.frame

    def check_row(self, version: Version, crc: object, blob: object, mask_crc: object) -> None:
        """Refuse a row or mask that is not what was written.

        Raises:
            DamagedWorkspaceError: naming object and frame.
        """
        good = isinstance(blob, bytes) and isinstance(mask_crc, int) and zlib.crc32(blob) == mask_crc
        try:
            good = good and version.crc(int(str(mask_crc))) == crc
        except struct.error:
            good = False
        if not good:
            raise DamagedWorkspaceError(
                f"{self._database.path}: the mask of object {version.object_id} on frame {version.frame} is damaged; "
                f"{_MEND}"
            )

    def put_mask(self, version: Version, counts: bytes) -> None:
        """Write one row with a new mask, and show what holds now."""
        connection = self._database.connection
        key = (version.object_id, version.frame, version.event_id)
        previous = connection.execute(
            "SELECT mask_id FROM versions WHERE object_id = ? AND frame = ? AND event_id = ?", key
        ).fetchone()
        (alone,) = connection.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM versions WHERE object_id = ?1 AND frame = ?2 AND event_id != ?3) "
            "AND NOT EXISTS (SELECT 1 FROM events WHERE event_id = ?3 AND undone != 0)",
            key,
        ).fetchone()
        version, mask_crc = self._store(version, counts, None if previous is None else previous[0])
        self._write_row(version, mask_crc, shown=bool(alone))
        if not alone:
            self.resolve(version.object_id, version.frame, version.frame)

    def _write_row(self, version: Version, mask_crc: int, *, shown: bool) -> None:
        """Write a row in place of an earlier one of the same object, frame and event."""
        connection = self._database.connection
        row = (*version, int(shown), version.crc(mask_crc))
        places = ", ".join("?" * len(row))
        statement = f"INSERT OR IGNORE INTO versions ({_COLUMNS}, shown, crc) VALUES ({places})"
        if connection.execute(statement, row).rowcount:
            self._extend(version.event_id, version.object_id, version.frame)
        else:
            connection.execute(statement.replace("IGNORE", "REPLACE"), row)

    def _mask_crc(self, mask_id: int) -> int:
        row = self._database.connection.execute("SELECT crc FROM masks WHERE mask_id = ?", (mask_id,)).fetchone()
        if row is None:
            raise DamagedWorkspaceError(f"{self._database.path}: mask {mask_id} is missing; {_MEND}")
        return int(row[0])

    def _store(self, version: Version, counts: bytes, old_mask: int | None) -> tuple[Version, int]:
        connection, mask_crc = self._database.connection, zlib.crc32(counts)
        if old_mask is not None:
            old = connection.execute("SELECT rle FROM masks WHERE mask_id = ?", (old_mask,)).fetchone()
            if old is not None and old[0] == counts:
                return version._replace(mask_id=old_mask), mask_crc
        mask_id = connection.execute("INSERT INTO masks (rle, crc) VALUES (?, ?)", (counts, mask_crc)).lastrowid
        return version._replace(mask_id=mask_id), mask_crc

    def _extend(self, event_id: int, object_id: int, frame: int) -> None:
        self._database.connection.execute(
            "INSERT INTO extents VALUES (?1, ?2, ?3, ?3, 1) ON CONFLICT DO UPDATE SET "
            "first = MIN(first, ?3), last = MAX(last, ?3), count = count + 1",
            (event_id, object_id, frame),
        )

    def _category(self, name: str) -> int:
        connection = self._database.connection
        connection.execute("INSERT OR IGNORE INTO categories (name) VALUES (?)", (name,))
        return int(connection.execute("SELECT category_id FROM categories WHERE name = ?", (name,)).fetchone()[0])


_MEND = "`sam2s workspace repair` keeps a copy and drops what is damaged, `sam2s track --overwrite` tracks anew"


def _quality(version: Version) -> MaskQuality | None:
    if version.expected_iou is None or version.doubt is None:
        return None
    return MaskQuality(version.expected_iou / SCALE, version.doubt / SCALE, from_bits(version.alarms or 0))


def _end(stop: int | None) -> int:
    return (1 << 62) if stop is None else stop
