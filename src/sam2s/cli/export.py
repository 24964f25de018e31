"""`sam2s export`: masks or a network in another form."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from sam2s.model import SAM2S

app = typer.Typer(help="Write masks or a network in another form.", no_args_is_help=True)

TOLERANCE = 1e-3
"""Logits of float32 graphs may differ from PyTorch's by this after a whole tracking run."""


@app.command()
def masks(
    workspace: Annotated[Path, typer.Argument(help="Folder of a workspace.")],
    to: Annotated[
        str,
        typer.Option(
            help="Any of davis, coco, ytvis, csv, overlay, jsonl, sav, cvat, cvat-zip, labelme, yolo, dicom-seg, "
            "dicom-sc, with commas."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for the exports; by default the workspace's.")] = None,
    video: Annotated[
        str | None, typer.Option(help="The video, for overlay; by default where it was when it was tracked.")
    ] = None,
    objects: Annotated[str | None, typer.Option(help="Numbers of the objects, with commas; by default all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text, and no progress.")] = False,
) -> None:
    """Write what a workspace shows in forms of others; older exports are replaced, files of another origin are not."""
    from sam2s.cli.track import with_progress
    from sam2s.errors import ConfigError
    from sam2s.formats.export import check_kinds
    from sam2s.runs.exports import export_workspace

    kinds = [kind.strip() for kind in to.split(",") if kind.strip()]
    check_kinds(kinds)
    try:
        object_ids = None if objects is None else [int(number) for number in objects.split(",")]
    except ValueError as error:
        raise ConfigError(f"--objects {objects!r} are no numbers; write for example 1,2") from error

    def work(report_progress: Any = None) -> dict[str, Path]:
        return export_workspace(
            workspace, kinds, folder=out, video=video, object_ids=object_ids, report_progress=report_progress
        )

    paths = work() if as_json else with_progress(work)
    if as_json:
        print(json.dumps({kind: str(path) for kind, path in paths.items()}, indent=2))
        return
    for kind, path in paths.items():
        print(f"{kind:<8} {path}")


@app.command()
def onnx(
    out: Annotated[Path, typer.Option(help="Folder for the graphs; an earlier export in it is replaced.")],
    weights: Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")] = "micro",
    image_size: Annotated[int | None, typer.Option(help="Side of the network's image, a multiple of 32.")] = None,
    precision: Annotated[
        Literal["float32", "float16", "int8"], typer.Option(help="Of the weights in the graphs.")
    ] = "float32",
    check: Annotated[bool, typer.Option("--check", help="Track a drawn clip with both forms and compare.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Write a network as ONNX graphs that `sam2s track` runs with onnxruntime.

    Exit status: 0 done; 1 the check found logits of float32 graphs that differ by more than a thousandth; 2 invalid
    input or missing requirement.
    """
    from dataclasses import replace

    from sam2s.checkpoints import assemble, load_checkpoint
    from sam2s.onnx import export

    config, state, metadata = load_checkpoint(weights)
    if image_size is not None:
        config = replace(config, image_size=image_size)
    network = assemble(config, state).float()

    def tell(what: str) -> None:
        if not as_json:
            print(what, file=sys.stderr)

    export(network, out, precision=precision, metadata=metadata, tell=tell)
    size = sum(file.stat().st_size for file in out.iterdir())
    facts: dict[str, Any] = {"path": str(out), "bytes": size, "image_size": config.image_size, "precision": precision}
    if check:
        tell("check")
        facts["check"] = _check(network, out)
    print(json.dumps(facts, indent=2) if as_json else _text(facts))
    if check and precision == "float32" and facts["check"]["logits"] > TOLERANCE:
        raise typer.Exit(1)


def _check(network: SAM2S, out: Path) -> dict[str, Any]:
    """Compare both forms in one tracking run, and note the outcome in the exported folder."""
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
            f"  IoU of masks with PyTorch's   {found['iou']:.4f} mean, {found['worst_iou']:.4f} least",
            f"  time a frame                  {onnx * 1e3:.1f} ms, PyTorch {torch * 1e3:.1f} ms ({torch / onnx:.2f}x)",
        ]
    return "\n".join([*lines, f"track with it: sam2s track VIDEO --weights {facts['path']} --out masks --box ..."])
