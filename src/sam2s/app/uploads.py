"""Videos that come from the browser of another machine: in parts, resumable, bounded, checked before they are shown."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from sam2s.app.confine import refuse_lists
from sam2s.app.library import VIDEO_SUFFIXES, Library
from sam2s.app.problems import ApiError
from sam2s.app.settings import AppLimits
from sam2s.errors import SourceError
from sam2s.files import write_atomically
from sam2s.video import open_source

_ID = re.compile(r"[0-9a-f]{16}")
_SPARE_BYTES = 1 << 30
"""Room on the disk that an upload must leave."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A video on its way.

    Attributes:
        id: stands for it in addresses.
        name: file name it will have.
        size: bytes in all.
        offset: bytes that have arrived.
    """

    id: str
    name: str
    size: int
    offset: int


class Uploads:
    """Uploads of one server, kept under `.sam2s/uploads` of the served folder until they are whole."""

    def __init__(self, library: Library, limits: AppLimits) -> None:
        self._library, self._limits = library, limits
        self._folder = library.root / ".sam2s" / "uploads"
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def begin(self, name: str, size: int) -> Upload:
        """Make room for a video; one of this name and size that was begun before is taken up again.

        Raises:
            ApiError: the name or the size is not allowed, or too many uploads are under way.
        """
        clean = re.sub(r"[^\w .()+-]+", "_", Path(name.replace("\\", "/")).name).strip(". ")[:150]
        if Path(clean).suffix.lower() not in VIDEO_SUFFIXES:
            allowed = " ".join(sorted(VIDEO_SUFFIXES))
            raise ApiError("invalid", f"{name!r} is not a video by its name; names end in one of: {allowed}", "name")
        if not 0 < size <= self._limits.upload_bytes:
            raise ApiError(
                "too-large", f"{size} bytes; a video may have 1 to {self._limits.upload_bytes} (--max-upload)", "size"
            )
        with self._guard:
            known = self.all()
            for upload in known:
                if (upload.name, upload.size) == (clean, size):
                    return upload
            if len(known) >= self._limits.open_uploads:
                raise ApiError("too-many", f"{len(known)} uploads are under way, the most at once; end one first")
            if shutil.disk_usage(self._library.root).free < size + _SPARE_BYTES:
                raise ApiError("too-large", f"the server's disk has no room for {size} bytes", "size")
            upload = Upload(secrets.token_hex(8), clean, size, 0)
            self._folder.mkdir(parents=True, exist_ok=True)
            self._data(upload.id).touch()
            write_atomically(self._note(upload.id), json.dumps(asdict(upload)).encode())
        return upload

    def all(self) -> list[Upload]:
        """Every upload that is not whole yet."""
        if not self._folder.is_dir():
            return []
        found = [self._read(path.stem) for path in self._folder.glob("*.json")]
        return [upload for upload in found if upload is not None]

    def find(self, upload_id: str) -> Upload:
        """Return an upload with the bytes that have arrived.

        Raises:
            ApiError: there is none of this id.
        """
        upload = self._read(upload_id) if _ID.fullmatch(upload_id) else None
        if upload is None:
            raise ApiError("not-found", f"there is no upload {upload_id!r}; begin it with POST /api/uploads")
        return upload

    def append(self, upload_id: str, offset: int, chunk: bytes) -> Upload:
        """Take a part that begins at `offset`, which must be where the last one ended.

        Raises:
            ApiError: it begins elsewhere, or is too long.
        """
        with self._guard:
            lock = self._locks.setdefault(upload_id, threading.Lock())
        with lock:
            upload = self.find(upload_id)
            if offset != upload.offset:
                raise ApiError("invalid", f"offset {offset}: this upload goes on at {upload.offset}", "offset")
            if offset + len(chunk) > upload.size:
                raise ApiError("too-large", f"part ends at {offset + len(chunk)}, behind the {upload.size} bytes said")
            with self._data(upload_id).open("ab") as file:
                file.write(chunk)
            return self.find(upload_id)

    def finish(self, upload_id: str) -> Path:
        """Put a whole upload among the videos; one that holds no pictures is removed.

        Raises:
            ApiError: parts are missing.
            SourceError: it is not a video that can be read.
        """
        upload = self.find(upload_id)
        if upload.offset != upload.size:
            raise ApiError("invalid", f"{upload.offset} of {upload.size} bytes have arrived; send the rest first")
        data = self._data(upload_id)
        named = data.with_name(f"{upload_id}{Path(upload.name).suffix.lower()}")
        data.rename(named)
        try:
            refuse_lists(named)
            open_source(named).close()
        except SourceError as error:
            named.unlink()
            self._forget(upload_id)
            raise SourceError(str(error).replace(str(named), upload.name).replace(named.name, upload.name)) from error
        target = self._library.root / upload.name
        number = 2
        while target.exists():
            target = self._library.root / f"{Path(upload.name).stem} ({number}){Path(upload.name).suffix}"
            number += 1
        named.rename(target)
        self._forget(upload_id)
        return target

    def drop(self, upload_id: str) -> None:
        """Forget an upload and what has arrived of it."""
        self.find(upload_id)
        self._forget(upload_id)

    def _forget(self, upload_id: str) -> None:
        self._note(upload_id).unlink(missing_ok=True)
        self._data(upload_id).unlink(missing_ok=True)
        with self._guard:
            self._locks.pop(upload_id, None)

    def _read(self, upload_id: str) -> Upload | None:
        try:
            note = json.loads(self._note(upload_id).read_text())
            arrived = self._data(upload_id).stat().st_size
            return Upload(upload_id, str(note["name"]), int(note["size"]), arrived)
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def _data(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.part"

    def _note(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.json"
