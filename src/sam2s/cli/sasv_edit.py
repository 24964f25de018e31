"""`sam2s sasv split` and `patch`: define a split, and correct objects that were linked wrongly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sam2s.cli.sasv_options import Built, Json, print_json


def split(
    built: Built,
    out: Annotated[Path, typer.Option(help="Folder for the split file NAME-vVERSION.json.")],
    name: Annotated[str, typer.Option(help="Name of the split.")] = "sasv",
    version: Annotated[
        int, typer.Option(min=1, help="Version of the split; an existing version is never changed.")
    ] = 1,
    val: Annotated[float, typer.Option(help="Share of each subset's training patients for validation.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed for choosing the validation patients.")] = 0,
    as_json: Json = False,
) -> None:
    """Write a split into train, val and test, with a version and a hash; all videos of a patient are in one part."""
    from collections import Counter

    from sam2s.sasv.manifest import record_split
    from sam2s.sasv.masklets import read_manifest
    from sam2s.sasv.splits import make_split, write_split

    parts = make_split(read_manifest(built)["videos"], val=val, seed=seed)
    path = out / f"{name}-v{version}.json"
    digest = write_split(path, name, version, parts)
    record_split(built, name, version, digest, parts)
    sizes = dict(Counter(parts.values()))
    if as_json:
        print_json({"path": str(path), "sha256": digest, "videos": sizes})
    else:
        print(f"{path}: {', '.join(f'{number} {part}' for part, number in sizes.items())}, sha256 {digest}")


def patch(
    built: Built,
    files: Annotated[list[Path] | None, typer.Argument(help="Patch files to apply, in this order.")] = None,
    export: Annotated[Path | None, typer.Option(help="Write all corrections of the set to this file.")] = None,
    review: Annotated[bool, typer.Option(help="List uncertain links that have not been corrected.")] = False,
    as_json: Json = False,
) -> None:
    """Apply corrections to a built set, or export them; patch files contain no images."""
    from sam2s.errors import DatasetError
    from sam2s.files import write_atomically
    from sam2s.processes import locked
    from sam2s.sasv.build import patch_video, write_manifest
    from sam2s.sasv.masklets import MaskletDataset
    from sam2s.sasv.patch import Patch, VideoPatch, read_patches, write_patch
    from sam2s.sasv.video_labels import pretty

    data = MaskletDataset(built)
    applied: dict[str, int] = {}
    if files:
        wanted = read_patches(files).videos
        if strangers := sorted(set(wanted) - set(data.ids)):
            raise DatasetError(
                f"the patch names videos that are not in {built}: {', '.join(strangers[:5])}; build them"
            )
        with locked(built):
            try:
                for name, edits in wanted.items():
                    applied[name] = patch_video(data[name], edits)
            finally:
                write_manifest(built)
    if export:
        edited = {v.id: VideoPatch(list(v.edits), v.base) for v in data if v.edits}
        write_atomically(export, pretty(write_patch(Patch(edited))).encode())
    doubts = [{"video": v.id, **item} for v in data for item in v.review] if review else []
    if as_json:
        print_json({"applied": applied, "review": doubts})
        return
    for name, number in applied.items():
        print(f"{name}: {number} new edits")
    for doubt in doubts:
        reasons = ", ".join(doubt["reasons"])
        print(f"{doubt['video']} frame {doubt['frame']} object {doubt['id']}: {reasons} (score {doubt['score']})")
