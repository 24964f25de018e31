"""One row of the table of versions: the entry of one event for an object on a frame."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

_FIRST = 14
"""Fields of format 1; later fields are part of the checksum only if one of them is set."""
_PACK, _PACK_LATER = struct.Struct("<14q"), struct.Struct("<3q")
_MISSING = -(1 << 62)


class Version(NamedTuple):
    """One row of the table of versions, without `shown` and `crc`."""

    object_id: int
    frame: int
    event_id: int
    layer: int
    barrier: int = 0
    mask_id: int | None = None
    area: int | None = None
    state: int | None = None
    iou: int | None = None
    presence: int | None = None
    prompted: int = 0
    prompt_distance: int | None = None
    category_id: int | None = None
    category_probability: int | None = None
    expected_iou: int | None = None
    doubt: int | None = None
    alarms: int | None = None

    def crc(self, mask_crc: int) -> int:
        """Checksum over the row and its mask."""
        first, later = self[:_FIRST], self[_FIRST:]
        crc = zlib.crc32(_PACK.pack(*(_MISSING if value is None else value for value in first)), mask_crc)
        if any(value is not None for value in later):
            crc = zlib.crc32(_PACK_LATER.pack(*(_MISSING if value is None else value for value in later)), crc)
        return crc
