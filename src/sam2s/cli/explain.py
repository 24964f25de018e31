"""`sam2s explain`: what a mask is based on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2s.cli import options

if TYPE_CHECKING:
    from sam2s.session.explain import Explanation

LAST = 12
"""Decisions of the DiveMem filter that are printed; the JSON has all."""


def explain(
    workspace: Annotated[Path, typer.Argument(help="Folder of a workspace.")],
    frame: Annotated[int, typer.Option(min=0, help="Index of the frame.")],
    object_id: Annotated[int, typer.Option("--object", min=1, help="Id of the object.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figure and the JSON [default: WORKSPACE/explain].")
    ] = None,
    video: Annotated[str | None, typer.Option(help="Path of the video, if it was moved.")] = None,
    weights: Annotated[str | None, typer.Option(help="Name or path of the weights, if they were moved.")] = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Show which memory frames a mask was read from, and why the DiveMem filter took or refused each frame.

    The run is repeated up to the frame; the workspace is not changed. Example:

    sam2s explain runs/operation --frame 120 --object 1
    """
    import json

    from PIL import Image

    from sam2s.cli.progress import progress
    from sam2s.files import replacing, write_atomically
    from sam2s.runs.explain import explain_workspace

    with progress("frames") as report:
        explanation, sheet = explain_workspace(
            workspace,
            frame=frame,
            object_id=object_id,
            video=video,
            weights=weights,
            device=device,
            report_progress=report,
        )
    folder = out or workspace / "explain"
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / f"frame-{frame}-object-{object_id}.png"
    with replacing(picture) as partial:
        Image.fromarray(sheet).save(partial, format="PNG")
    document = json.dumps(explanation.to_json(), indent=1)
    write_atomically(picture.with_suffix(".json"), document.encode())
    if as_json:
        print(document)
    else:
        print(in_words(explanation))
        print(f"picture: {picture}; numbers: {picture.with_suffix('.json')}")


def in_words(explanation: Explanation) -> str:
    """The explanation for a terminal."""
    result, search = explanation.result, explanation.search
    lines = [
        f"object {explanation.object_id} on frame {explanation.frame}: {str(result.state).replace('_', ' ')}, "
        f"predicted IoU {result.iou:.2f}, presence {result.presence:.2f}"
    ]
    if search.usual is not None:
        lines.append(f"{search.phase} for {search.frames} frames; usual evidence {search.usual:.2f}")
    if result.prompted:
        lines.append("the mask is the answer to a prompt on this frame; no memory was read")
    for read in explanation.reads:
        lines.append(f"  {read.share:6.1%}  frame {read.frame}, {read.kind}")
    if explanation.pointers:
        total = sum(pointer.share for pointer in explanation.pointers)
        lines.append(f"  {total:6.1%}  object pointers of {len(explanation.pointers)} frames")
    for number, candidate in enumerate(explanation.candidates, 1):
        chosen = ", chosen" if candidate.chosen else ""
        lines.append(f"mask {number}: predicted IoU {candidate.iou:.2f}, {int(candidate.mask.sum())} pixels{chosen}")
    lines.append("long-term memory:")
    for decision in explanation.decisions[-LAST:]:
        likeness = (
            "" if decision.likeness is None else f" (likeness to frame {decision.reference}: {decision.likeness:.3f})"
        )
        lines.append(f"  frame {decision.frame}: {decision.verdict}: {decision.reason}{likeness}")
    return "\n".join(lines)
