"""`sam2s score`: compare masks with ground truth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2s.cli.progress import progress
from sam2s.evaluation.rules import CountedSpan, Layout, Missing, Rules, parse_void

if TYPE_CHECKING:
    from sam2s.evaluation.compare import MaskComparison


class By(StrEnum):
    """What the table has a row for."""

    SUBSET = "subset"
    VIDEO = "video"
    OBJECT = "object"


_Pred = Annotated[Path, typer.Argument(metavar="PRED", help="Predicted masks: a folder of PNG files, or a .json file.")]
_Video = Annotated[list[str] | None, typer.Option(help="Score only videos with this name or pattern; may be repeated.")]
_SkipFirstLast = Annotated[
    bool, typer.Option("--skip-first-last/--all-frames", help="Do not score the first and the last frame of each span.")
]
_Span = Annotated[
    CountedSpan,
    typer.Option(help="Score from each object's first appearance (SAM2S), or whole videos (official SA-V script)."),
]
_Missing = Annotated[Missing, typer.Option(help="Masks missing from the prediction: an error, or empty.")]
_Void = Annotated[
    str,
    typer.Option(help="Void value in label maps of GT: auto (255 if there are other ids), none, or a number."),
]
_Layout = Annotated[
    Layout, typer.Option(help="Layout of folders: a label image per frame (DAVIS), or a folder per object (SA-V).")
]
_Confidence = Annotated[
    Path | None, typer.Option(help="CSV of predicted IoU (masks.csv of `sam2s track`): adds the calibration error.")
]


def score(
    pred: _Pred,
    gt: Annotated[Path, typer.Argument(metavar="GT", help="Ground-truth masks, in any of the same formats.")],
    by: Annotated[By, typer.Option(help="What the table has a row for.")] = By.VIDEO,
    video: _Video = None,
    skip_first_last: _SkipFirstLast = True,
    span: _Span = CountedSpan.OBJECT,
    missing: _Missing = Missing.ERROR,
    void: _Void = "auto",
    layout: _Layout = Layout.AUTO,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON instead of the table.")] = False,
    per_frame: Annotated[bool, typer.Option(help="Include J and F of every frame in the JSON.")] = False,
    confidence: _Confidence = None,
    curve: Annotated[Path | None, typer.Option(help="Draw J&F over time into this file (png, svg, pdf).")] = None,
) -> None:
    """Score predicted masks against ground truth: J, F, J&F, identity switches, presence, decay over time.

    Reads DAVIS folders (a PNG per frame, pixel values are object ids), SA-V (a folder per object, or its JSON files),
    YouTube-VIS and COCO with run lengths or polygons; PRED and GT may have different formats. Only annotated frames are
    scored. Folders above the videos become subsets.

    Exit status: 0 scored; 2 something is missing or cannot be read.
    """
    import json

    from sam2s.evaluation.compare import compare
    from sam2s.evaluation.confidence import calibration
    from sam2s.evaluation.report import as_json

    rules = Rules(span, skip_first_last, missing, void=parse_void(void))
    with progress("frames", refresh_thread=False) as report_progress:
        comparison = compare(
            pred,
            gt,
            rules=rules,
            layout=layout,
            videos=tuple(video or ()),
            workers=workers,
            report_progress=report_progress,
        )
    error = calibration(confidence, comparison.scores, comparison.predicted_frames) if confidence else None
    if curve:
        _draw(comparison, curve)
    if json_:
        print(json.dumps(as_json(comparison, per_frame=per_frame) | {"calibration_error": error}, indent=1))
    else:
        _print_table(comparison, by)
        if error is not None:
            print(f"Calibration error of the predicted IoU: {error:.1f}.")


def _print_table(comparison: MaskComparison, by: By) -> None:
    from rich.console import Console
    from rich.table import Table

    from sam2s.evaluation.markdown_table import number
    from sam2s.evaluation.report import as_json, footer, remarks, rows

    mark = " †" * bool(comparison.partial)
    table = Table(by.value, *("J&F", "J", "F", "objects"), box=None, header_style="bold", pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    body = rows(comparison, by)
    for line, (name, mean) in enumerate(body + footer(comparison), start=1):
        values = (number(100 * value, 1) for value in (mean.jf, mean.j, mean.f))
        table.add_row(
            f"{name}{mark}",
            *values,
            str(mean.objects),
            style="bold" if line > len(body) else None,
            end_section=line == len(body),
        )
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    whole = as_json(comparison)["all"]
    precision, recall = (
        f"{whole[key]:.1f}" if whole[key] is not None else "-" for key in ("presence_precision", "presence_recall")
    )
    console.print(
        f"\nPresence: precision {precision}, recall {recall}. Identity switches: {whole['identity_switches']}."
    )
    for remark in remarks(comparison):
        console.print(remark)


def _draw(comparison: MaskComparison, path: Path) -> None:
    from sam2s.evaluation.diagnostics import decay_curve
    from sam2s.evaluation.plots import plot_decay
    from sam2s.evaluation.summary import by_subset

    curves = {"all objects": decay_curve(comparison.scores)}
    subsets = list(by_subset(comparison.scores))
    if len(subsets) > 1:
        curves |= {name: decay_curve([s for s in comparison.scores if s.subset == name]) for name in subsets}
    plot_decay(curves, path)
