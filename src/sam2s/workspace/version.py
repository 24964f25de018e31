"""One row of the table of versions: what one act said of an object on a frame."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

_PACK = struct.Struct("<14q")
_MISSING = -(1 << 62)


class Version(NamedTuple):
    """One row of the table of versions, but for `shown` and `crc`."""

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

    def crc(self, mask_crc: int) -> int:
        """Checksum over the row and its mask."""
        return zlib.crc32(_PACK.pack(*(_MISSING if value is None else value for value in self)), mask_crc)
