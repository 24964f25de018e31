"""`sam2s export`: masks or a network in another format."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sam2s.cli import options
from sam2s.cli.progress import stage_progress

if TYPE_CHECKING:
    from sam2s.model import SAM2S

app = typer.Typer(help="Write masks or a network in another format.", no_args_is_help=True)

TOLERANCE = 1e-3
"""Logits of float32 graphs may differ from PyTorch's by this after a whole tracking run."""


@app.command()
def masks(
    workspace: options.Workspace,
    to: options.Kinds,
    out: Annotated[Path | None, typer.Option(help="Folder for the exports; by default the workspace's.")] = None,
    video: Annotated[str | None, typer.Option(help="Path of the video, if it was moved; needed for overlays.")] = None,
    objects: Annotated[str | None, typer.Option(help="Comma-separated object ids; by default all.")] = None,
    as_json: options.QuietJson = False,
) -> None:
    """Export the masks of a workspace; earlier exports are replaced, foreign files are not."""
    from sam2s.errors import ConfigError
    from sam2s.formats.export import check_kinds
    from sam2s.runs.exports import export_workspace

    kinds = [kind.strip() for kind in to.split(",") if kind.strip()]
    check_kinds(kinds)
    try:
        object_ids = None if objects is None else [int(number) for number in objects.split(",")]
    except ValueError as error:
        raise ConfigError(f"--objects {objects!r} are not object ids; give for example 1,2") from error

    with stage_progress(quiet=as_json) as report_progress:
        paths = export_workspace(
            workspace, kinds, folder=out, video=video, object_ids=object_ids, report_progress=report_progress
        )
    if as_json:
        print(json.dumps({kind: str(path) for kind, path in paths.items()}, indent=2))
        return
    for kind, path in paths.items():
        print(f"{kind:<8} {path}")


@app.command()
def onnx(
    out: Annotated[Path, typer.Option(help="Folder for the graphs; an earlier export in it is replaced.")],
    weights: options.Weights = "micro",
    image_size: options.ImageSize = None,
    precision: Annotated[
        Literal["float32", "float16", "int8"], typer.Option(help="Precision of the weights in the graphs.")
    ] = "float32",
    check: Annotated[
        bool, typer.Option("--check", help="Track a generated clip with PyTorch and ONNX and compare.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write a network as ONNX graphs that `sam2s track` runs with onnxruntime.

    Exit status: 0 done; 1 with --check, logits of float32 graphs differ by more than 0.001; 2 invalid
    input or missing requirement.
    """
    from dataclasses import replace

    from sam2s.checkpoints import assemble, load_checkpoint
    from sam2s.onnx import export

    config, state, metadata = load_checkpoint(weights)
    if image_size is not None:
        config = replace(config, image_size=image_size)
    network = assemble(config, state).float()

    def report_progress(part: str) -> None:
        if not as_json:
            print(part, file=sys.stderr)

    export(network, out, precision=precision, metadata=metadata, report_progress=report_progress)
    size = sum(file.stat().st_size for file in out.iterdir())
    facts: dict[str, Any] = {"path": str(out), "bytes": size, "image_size": config.image_size, "precision": precision}
    if check:
        report_progress("check")
        facts["check"] = _check(network, out)
    print(json.dumps(facts, indent=2) if as_json else _text(facts))
    if check and precision == "float32" and facts["check"]["logits"] > TOLERANCE:
        raise typer.Exit(1)


def _check(network: SAM2S, out: Path) -> dict[str, Any]:
    """Compare both networks in one tracking run, and store the result in the exported folder."""
    from dataclasses import asdict

    from sam2s.evaluation.agreement import agreement
    from sam2s.files import write_atomically
    from sam2s.loading import load
    from sam2s.onnx import FILE

    found = asdict(agreement(network, load(out)))
    facts = json.loads((out / FILE).read_text()) | {"check": found}
    write_atomically(out / FILE, (json.dumps(facts, indent=2) + "\n").encode())
    return found


def _text(facts: dict[str, Any]) -> str:
    lines = [f"{facts['path']}: {facts['precision']}, images of {facts['image_size']}, {facts['bytes'] / 1e6:.1f} MB"]
    if found := facts.get("check"):
        torch, onnx = found["seconds"]
        lines += [
            f"  {found['masks']} masks of 3 objects, {found['frames']} frames, {found['long_term']} long-term memories",
            f"  largest difference of logits  {found['logits']:.1e}",
            f"  IoU of masks with PyTorch's   {found['iou']:.4f} mean, {found['worst_iou']:.4f} minimum",
            f"  time per frame                {onnx * 1e3:.1f} ms, PyTorch {torch * 1e3:.1f} ms ({torch / onnx:.2f}x)",
        ]
    return "\n".join([*lines, f"track with it: sam2s track VIDEO --weights {facts['path']} --out masks --box ..."])
