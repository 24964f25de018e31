"""A copy of a video or folder of pictures without what must not be seen, and a log of what is gone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image

from sam2s import __version__
from sam2s.errors import ConfigError, OutputError
from sam2s.files import make_durable, replacing, write_atomically
from sam2s.progress import ProgressCallback, ignore_progress
from sam2s.video import Frame, VideoSource, VideoWriter, open_source

from .cautious_search import find_outside
from .redaction import AREA_MARGIN, Cover, HiddenArea, HiddenSpan, check_areas, hide, spans_to_hide

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm"})


@dataclass(frozen=True)
class RedactionSettings:
    """What to hide, and how.

    Attributes:
        areas: hidden in every frame, with `AREA_MARGIN` pixels around them.
        spans: frames that are hidden as a whole, beside those out of the body.
        out_of_body: find the frames out of the body, and hide them.
        margin: seconds that are hidden before and after a span out of the body.
        cover: "black", or "blur": a dozen means a side.
        crf: quality of the H.264 encoder, lower is better and larger.
        pattern: of a folder: which names are frames.
    """

    areas: Sequence[HiddenArea] = ()
    spans: Sequence[HiddenSpan] = ()
    out_of_body: bool = True
    margin: float = 2.0
    cover: Cover = "black"
    crf: int = 18
    pattern: str | None = None


def log_path(out: Path) -> Path:
    """Where the log of a redaction lies: beside the video or folder."""
    return out.with_name(f"{out.name}.redaction.json")


def redact(
    video: str,
    out: Path,
    settings: RedactionSettings | None = None,
    *,
    report_progress: ProgressCallback = ignore_progress,
) -> dict[str, Any]:
    """Write a copy of a video in which everything is hidden that `settings` say; returns the log, which is written too.

    Pictures are decoded, hidden in, and encoded anew; no packet, no track and no metadata of the input is copied. The
    copy takes its name only when it is whole: after an error or an interruption there is none. The log names neither
    the input nor its folder, since names of files often hold those of persons.

    Args:
        video: a video file, or a folder of pictures.
        out: video file to write, or folder if it has no ending of a video; pictures in it are numbered from 0.
        settings: what to hide; None for out-of-body spans alone.
        report_progress: told what is being done, the frames done, and the frames in all or None.

    Raises:
        ConfigError: the settings do not fit the video.
        OutputError: `out` exists, or cannot be written.
        SourceError: the video cannot be read, or is damaged; nothing is written.
    """
    settings = settings or RedactionSettings()
    if not 0 <= settings.margin <= 600:
        raise ConfigError(f"a margin of {settings.margin} seconds cannot be; give --margin from 0 to 600")
    if out.exists():
        raise OutputError(f"{out} exists; a redaction replaces nothing, name another --out")
    with closing(open_source(video, pattern=settings.pattern)) as source:
        if not source.seekable:
            raise ConfigError(f"{source.name} is a live stream; record it, and redact the file")
        if out.suffix.lower() in VIDEO_SUFFIXES and source.fps is None:
            raise ConfigError(f"{source.name} has no frame rate to write a video with; name a folder as --out")
        check_areas(settings.areas, source.size)
        spans, length = _spans(source, settings, report_progress)
        areas = [area.grown(source.size) for area in settings.areas]

        def frames() -> Iterator[Frame]:
            for done, frame in enumerate(source.frames(), 1):
                image = hide(frame.image, frame.index, spans, areas, settings.cover)
                yield Frame(image, frame.index, frame.pts)
                report_progress("writing", done, length)

        with replacing(out) as partial:
            write = _write_video if out.suffix.lower() in VIDEO_SUFFIXES else _write_folder
            written = write(frames(), partial, source, settings)
            log = _log(source, settings, spans, areas, written)
            write_atomically(log_path(out), (json.dumps(log, indent=2) + "\n").encode())
    return log


def _spans(
    source: VideoSource, settings: RedactionSettings, report_progress: ProgressCallback
) -> tuple[list[HiddenSpan], int | None]:
    if not settings.out_of_body:
        return list(settings.spans), source.length
    seen = 0

    def report(done: int, total: int | None) -> None:
        nonlocal seen
        seen = done
        report_progress("looking for frames out of the body", done, total)

    events = find_outside(source, report_progress=report)
    return [*settings.spans, *spans_to_hide(events, source.fps, settings.margin, seen)], seen


def _write_video(
    frames: Iterator[Frame], path: Path, source: VideoSource, settings: RedactionSettings
) -> dict[str, Any]:
    assert source.fps is not None
    base = getattr(source, "time_base", None)
    options: dict[str, Any] = {"time_base": base, "pixel_aspect": source.pixel_aspect, "origin": Fraction(0)}
    codec = "vp9" if path.suffix.lower() == ".webm" else "h264"
    times: list[Fraction] = []
    with VideoWriter(path, source.size, source.fps, codec=codec, crf=settings.crf, **options) as writer:
        for frame in frames:
            writer.write(frame.image, frame.pts)
            if frame.pts is not None:
                times.append(frame.pts)
    make_durable(path)
    return {"frames": writer.count, **_compare_times(path, times)}


def _compare_times(path: Path, times: list[Fraction]) -> dict[str, Any]:
    """How far the times in a file are from those that were to be kept, in seconds."""
    if not times:
        return {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = Fraction(stream.time_base or 1)
        kept = sorted(packet.pts * base for packet in container.demux(stream) if packet.pts is not None)
    shift = kept[0] - times[0]
    error = max(abs(one - shift - other) for one, other in zip(kept, times, strict=True))
    return {"times_moved_by": float(shift), "largest_error_of_times": float(error)}


def _write_folder(
    frames: Iterator[Frame], folder: Path, source: VideoSource, settings: RedactionSettings
) -> dict[str, Any]:
    """Numbered pictures: JPEG if the input's are, else PNG; pixels alone, no EXIF, no profile, no text."""
    files: list[Path] = getattr(source, "files", [])
    jpeg = bool(files) and files[0].suffix.lower() in (".jpg", ".jpeg")
    folder.mkdir()
    count = 0
    for frame in frames:
        picture, data = Image.fromarray(frame.image), io.BytesIO()
        if jpeg:
            picture.save(data, "JPEG", quality=95, subsampling=0)
        else:
            picture.save(data, "PNG")
        (folder / f"{frame.index:06d}.{'jpg' if jpeg else 'png'}").write_bytes(data.getvalue())
        count += 1
    return {"frames": count}


def _log(
    source: VideoSource,
    settings: RedactionSettings,
    spans: Sequence[HiddenSpan],
    areas: Sequence[HiddenArea],
    written: dict[str, Any],
) -> dict[str, Any]:
    rate = None if source.fps is None else float(source.fps)
    return {
        "software": f"sam2s {__version__}",
        "input_fingerprint": source.fingerprint(),
        "width": source.size[1],
        "height": source.size[0],
        "frames_per_second": rate,
        **written,
        "cover": settings.cover,
        "hidden_spans": [
            {**asdict(span), "seconds": None if rate is None else [span.start / rate, span.stop / rate]}
            for span in sorted(spans, key=lambda span: span.start)
        ],
        "hidden_areas": [asdict(area) for area in areas],
        "out_of_body_searched": settings.out_of_body,
        "margin_seconds": settings.margin,
        "area_margin_pixels": AREA_MARGIN,
        "removed": ["metadata", "sound", "subtitles", "data tracks", "attached pictures", "chapters", "names of files"],
    }
