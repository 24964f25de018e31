"""Addresses of cameras and streams: what FFmpeg calls them, what may be shown of them, whether they have an end."""

from __future__ import annotations

import re
import sys
from typing import Any

# Servers of live streams that must name a length name one like this.
_ENDLESS_BYTES = 1 << 40


def has_end(container: Any, target: str) -> bool:
    """Whether a stream is a recording: its container says how long it is, or the server of how many bytes."""
    if container.duration:
        return True
    playlist = container.format.name in ("hls", "dash")
    return target.startswith(("http:", "https:")) and not playlist and 0 < container.size < _ENDLESS_BYTES


def public_address(target: str) -> str:
    """A target without what may be secret: user, password, query."""
    scheme, separator, rest = target.partition("://")
    if not separator:
        return target
    shown = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = shown.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def device_input(target: str) -> tuple[str, str | None, dict[str, str]]:
    """What FFmpeg calls a source: address, input format and options."""
    if target.startswith("rtsp"):
        return target, None, {"rtsp_transport": "tcp"}
    if target.startswith("/dev/video"):
        return target, "v4l2", {}
    if not target.startswith("camera:"):
        return target, None, {}
    number = target.removeprefix("camera:")
    if sys.platform == "darwin":
        return number, "avfoundation", {}
    if sys.platform == "win32":
        return f"video={number}", "dshow", {}
    return f"/dev/video{number}", "v4l2", {}
