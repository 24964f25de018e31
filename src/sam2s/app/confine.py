"""What a served file may be: a video itself, not a list that makes the decoder open other files or addresses."""

from __future__ import annotations

from pathlib import Path

from sam2s.errors import SourceError

_LOOKED_AT = 4096
_TEXT = frozenset(range(32, 127)) | frozenset(b"\t\n\r\f\x1b")


def refuse_lists(path: Path) -> None:
    """Refuse playlists, manifests and scripts of any kind: no video begins with text.

    Raises:
        SourceError: the file begins with text.
    """
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror or error})") from error
    if head and all(byte in _TEXT or byte >= 128 for byte in head) and not _is_stream(head):
        raise SourceError(
            f"{path.name} is text, perhaps a playlist that names other files or addresses; give the video itself"
        )


def _is_stream(head: bytes) -> bool:
    """Whether bytes without control codes are packets of a transport stream all the same."""
    return head[:1] == b"G" and len(head) > 376 and head[188:189] == b"G" and head[376:377] == b"G"
