"""`sam2s redact`: copy a video without out-of-body frames, burned-in text and metadata."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sam2s.cli import options
from sam2s.errors import ConfigError

if TYPE_CHECKING:
    from sam2s.quality.redaction import HiddenArea, HiddenSpan


def redact(
    video: Annotated[str, typer.Argument(help="Video file, or folder of pictures.")],
    out: Annotated[Path, typer.Option(help="New video (mp4, m4v, mov, mkv, webm), or new folder of pictures.")],
    area: Annotated[
        list[str] | None,
        typer.Option(metavar="X0,Y0,X1,Y1", help="Area to cover in every frame, in pixels; may be repeated."),
    ] = None,
    frames: Annotated[
        list[str] | None,
        typer.Option(metavar="FIRST-LAST", help="Frames to cover completely; may be repeated."),
    ] = None,
    out_of_body: Annotated[
        bool, typer.Option("--out-of-body/--no-out-of-body", help="Detect out-of-body frames and cover them.")
    ] = True,
    margin: Annotated[
        float, typer.Option(help="Seconds covered before and after each out-of-body span.", min=0, max=600)
    ] = 2.0,
    cover: Annotated[Literal["black", "blur"], typer.Option(help="What covers the hidden parts.")] = "black",
    crf: Annotated[
        int, typer.Option(help="Constant rate factor of the encoder; lower is better and larger.", min=0, max=51)
    ] = 18,
    pattern: options.Pattern = None,
    as_json: options.Json = False,
) -> None:
    """Write a copy without out-of-body frames, given areas, metadata and audio, and a log of what was hidden.

    sam2s redact operation.mp4 --out redacted.mp4 --area 0,0,220,60
    """
    from sam2s.cli.progress import stage_progress
    from sam2s.quality.redact import RedactionSettings, log_path
    from sam2s.quality.redact import redact as write_redacted

    areas, spans = [_area(text) for text in area or ()], [_span(text) for text in frames or ()]
    settings = RedactionSettings(areas, spans, out_of_body, margin, cover, crf, pattern)
    with stage_progress() as report_progress:
        log = write_redacted(video, out, settings, report_progress=report_progress)
    if as_json:
        print(json.dumps(log, indent=2))
        return
    for span in log["hidden_spans"]:
        print(f"hidden: frames {span['start']} to {span['stop'] - 1} ({span['reason']})")
    for hidden in log["hidden_areas"]:
        print("hidden in every frame: {x0},{y0},{x1},{y1}".format(**hidden))
    print(
        f"{out}: {log['frames']} frames; see {log_path(out)} for what was hidden. Review the copy before you share it."
    )


def _area(text: str) -> HiddenArea:
    from sam2s.quality.redaction import HiddenArea

    match = re.fullmatch(r"(\d{1,6}),(\d{1,6}),(\d{1,6}),(\d{1,6})", text.replace(" ", ""))
    if match is None:
        raise ConfigError(f"--area {text} is not X0,Y0,X1,Y1 in pixels, such as 0,0,220,60")
    return HiddenArea(*map(int, match.groups()))


def _span(text: str) -> HiddenSpan:
    from sam2s.quality.redaction import HiddenSpan

    match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text.strip())
    if match is None or int(match[1]) > int(match[2]):
        raise ConfigError(f"--frames {text} is not FIRST-LAST, such as 120-310, counted from 0")
    return HiddenSpan(int(match[1]), int(match[2]) + 1, "given")
