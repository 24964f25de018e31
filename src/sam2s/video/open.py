"""One door to everything that yields frames."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from urllib.request import url2pathname

import numpy as np

from sam2s.errors import ConfigError, SourceError
from sam2s.picture_files import IMAGE_SUFFIXES
from sam2s.video.array import ArraySource
from sam2s.video.dicom import DICOM_SUFFIXES, is_dicom, open_dicom
from sam2s.video.file import FileSource
from sam2s.video.folder import FolderSource
from sam2s.video.frame import VideoSource
from sam2s.video.live import LiveSource, Policy
from sam2s.video.pages import PagesSource

_LIVE = re.compile(r"(camera:.+|/dev/video\d+|(rtsps?|rtmps?|https?|udp|tcp|srt|rtp)://.+)", re.IGNORECASE)


def open_source(
    target: str | os.PathLike[str] | np.ndarray | Sequence[np.ndarray],
    *,
    fps: Fraction | None = None,
    pattern: str | None = None,
    square_pixels: bool = False,
    policy: Policy = "latest",
    reconnects: int = 5,
    timeout: float = 10.0,
) -> VideoSource:
    """Open a video file, DICOM recording, folder of images, image, array, .npy file, camera or stream.

    Args:
        target: a path, an array [T, H, W, 3] or list of arrays [H, W, 3] of uint8, `camera:0`, `/dev/video0`, or an
            address (rtsp, rtmp, http, udp, tcp, srt, rtp).
        fps: frames per second of folders, arrays, and DICOM files without a frame rate.
        pattern: for folders: glob of the files that are frames, for example `*_endo.png`; see `FolderSource`.
        square_pixels: for files with non-square pixels: scale frames to their display width. Otherwise frames, masks
            and coordinates are in stored pixels.
        policy: for cameras and streams: `latest` drops frames that arrive during processing, `block` drops nothing.
        reconnects: for streams: consecutive attempts to reopen a broken one.
        timeout: for streams: seconds without data after which one is broken.

    Raises:
        SourceError: there is nothing at the target, or it has no images.
        ConfigError: `pattern` is given for a target that is not a folder.
    """
    if isinstance(target, np.ndarray) or (isinstance(target, Sequence) and not isinstance(target, (str, bytes))):
        return ArraySource(target, fps=fps)
    if not isinstance(target, (str, bytes, os.PathLike)):
        camera = f" (a camera is 'camera:{target}')" if isinstance(target, int) else ""
        raise SourceError(f"{target!r:.40}: not a path, an address or an array{camera}")
    text = os.fsdecode(target)
    if _LIVE.fullmatch(text):
        return LiveSource(text, policy=policy, reconnects=reconnects, timeout=timeout)
    path = Path(url2pathname(text[7:]) if text.startswith("file://") else os.path.expanduser(text))
    if not os.path.exists(path):  # unlike Path.exists, this takes a name that is too long for one that is not there
        raise SourceError(
            f"{path}: no such file or folder; allowed are video files, folders of images, camera:N and addresses like "
            "rtsp://host/path"
        )
    if path.is_dir():
        return FolderSource(path, fps=fps, pattern=pattern)
    if pattern is not None:
        raise ConfigError(f"{path}: --pattern selects files of a folder, and this is not a folder; omit --pattern")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return PagesSource(path, fps=fps)
    if path.suffix.lower() == ".npy":
        return ArraySource(_load(path), fps=fps, name=path.stem)
    if is_dicom(path) or path.suffix.lower() in DICOM_SUFFIXES:
        return open_dicom(path, fps=fps, square_pixels=square_pixels)
    return FileSource(path, square_pixels=square_pixels)


def _load(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
    except Exception as error:  # a damaged header is evaluated, and fails in many ways
        raise SourceError(f"{path}: not an array that can be read ({error})") from error
