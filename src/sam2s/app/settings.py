"""What one server of the app is told when it starts, with every bound that it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class AppLimits:
    """Bounds of one server; every one is refused with status 413, 422 or 429 beyond it.

    Attributes:
        upload_bytes: size of an uploaded video.
        upload_chunk_bytes: size of one part of an upload.
        open_uploads: uploads that are under way at once.
        body_bytes: size of the body of any other request; a brushed 4K mask as RLE takes well under 1 MB.
        import_bytes: size of an imported file of masks.
        frame_cache_bytes: encoded pictures kept for all videos together.
        frame_side: longest side of a picture that is asked for.
        frame_pixels: pixels of a frame that is shown at all.
        masks_per_request: frames whose masks are sent in one answer.
        timeline_buckets: columns of one answer about the timeline.
        open_videos: videos whose decoder is kept open; the one used least recently is closed.
        queued_runs: propagations of all users together that wait or run.
        library_entries: videos and workspaces listed of a folder.
        objects: objects in one video.
    """

    upload_bytes: int = 64 << 30
    upload_chunk_bytes: int = 8 << 20
    open_uploads: int = 8
    body_bytes: int = 4 << 20
    import_bytes: int = 1 << 30
    frame_cache_bytes: int = 256 << 20
    frame_side: int = 8192
    frame_pixels: int = 64 << 20
    masks_per_request: int = 128
    timeline_buckets: int = 4096
    open_videos: int = 8
    queued_runs: int = 32
    library_entries: int = 2000
    objects: int = 500


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What `sam2s app` was asked for.

    Attributes:
        folder: the folder that is served; nothing outside it is read or written.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose.
        weights: name or file of the weights.
        device: where to compute, as `sam2s.load` takes it.
        image_size: side of the network's picture, None for that of the weights.
        token_hash: SHA-256 of the token that every request must carry, or None where none is needed.
        tls_cert: file with a certificate, for https.
        tls_key: file with its key.
        allowed_hosts: names under which the server may be addressed besides its own address.
        limits: the bounds.
        pages: whether the pages are served beside the API.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8123
    weights: str = "micro"
    device: str = "auto"
    image_size: int | None = None
    token_hash: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    limits: AppLimits = field(default_factory=AppLimits)
    pages: bool = True

    @property
    def on_loopback(self) -> bool:
        """Whether only programs of this machine can reach the server."""
        return self.host in LOOPBACK
