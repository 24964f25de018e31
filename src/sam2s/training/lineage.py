"""What written weights say of themselves: what they were trained from, on which data, and under which terms.

The rule: weights carry the terms of the weights they start from and of all data that they have seen, each once. Data
that state none add "terms not stated"; drawn scenes and data in the public domain add nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sam2s.checkpoints import Metadata, combine_licences, find_weights
from sam2s.errors import Sam2sError
from sam2s.sasv.masklets import MANIFEST, read_manifest
from sam2s.sasv.video_labels import sha256

from .data import SYNTHETIC, SourceSettings
from .initial_weights import InitialWeights
from .recipe import Recipe


def describe_lineage(recipe: Recipe, initial: InitialWeights, processes: int) -> Metadata:
    """The record that goes into the weights of a run."""
    settings = recipe.model
    data = [
        {"place": source.place, **_details(source), "licence": data_licence(source)} for source in recipe.data.sources
    ]
    stage: dict[str, Any] = {"recipe": recipe.to_dict(), "processes": processes, "data": data}
    parts = [entry["licence"] for entry in data if entry["licence"] is not None]
    if settings.init is not None:
        stage["parent"] = _parent(settings.init, initial)
        parts.append(initial.metadata.licence)
    if settings.licence:
        parts.append(settings.licence)
    drawn_only = all(source.place == SYNTHETIC for source in recipe.data.sources)
    note = settings.note or (initial.metadata.note if drawn_only else _note(recipe))
    licence = combine_licences(*parts) if parts else ""
    return Metadata(source="sam2s train", training={"stages": [*initial.stages, stage]}, licence=licence, note=note)


def data_licence(source: SourceSettings) -> str | None:
    """Terms of a source's data: None for drawn scenes, which have none, and "" where nobody states them."""
    if source.place == SYNTHETIC:
        return None
    if source.licence:
        return source.licence
    root = Path(source.place).expanduser()
    if not (root / MANIFEST).exists():
        return ""
    manifest = read_manifest(root)
    terms = manifest.get("licences", {})
    used = {entry["source"] for entry in manifest["videos"].values() if source.subset in (None, entry["subset"])}
    return combine_licences(*(terms.get(name, "") for name in sorted(used))) if used else ""


def _details(source: SourceSettings) -> dict[str, Any]:
    """What else decides which data were seen."""
    details: dict[str, Any] = {"split": source.split} if source.place != SYNTHETIC else {}
    if source.split_file:
        file = Path(source.split_file).expanduser()
        details |= {"split_file": file.name, "split_sha256": sha256(file)}
    if source.hold_out:
        details["hold_out"] = source.hold_out
    return details


def _parent(init: str, initial: InitialWeights) -> dict[str, Any]:
    """The weights that a run starts from, by name and hash."""
    parent: dict[str, Any] = {"init": init, "licence": initial.metadata.licence}
    try:
        path = find_weights(init, download=False)
    except Sam2sError:
        return parent
    return parent | ({"sha256": sha256(path)} if path.is_file() else {})


def _note(recipe: Recipe) -> str:
    places = ", ".join(dict.fromkeys(Path(source.place).name for source in recipe.data.sources))
    origin = f"from {recipe.model.init}" if recipe.model.init else "from nothing"
    return f"Trained {origin} on {places}."
