"""Corrections to a built set in a small file that holds no image, so that a group can share its fixes.

A patch names videos, and for each a list of edits (docs/reference/masklet-format.md lists them). It carries the
fingerprint of the labels that it was made for, and is refused for others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.text_files import MALFORMED, described, read_yaml, text, whole_number
from sam2s.sasv.video_labels import LabelledObject, VideoLabels, empty

FORMAT = "sasv-patch"
VERSION = 1
_REMEDY = "docs/reference/masklet-format.md has the form"


@dataclass(frozen=True)
class VideoPatch:
    """Edits of one video, and the fingerprint of the labels they were made for (None: any)."""

    edits: list[dict[str, Any]]
    base: str | None = None


@dataclass(frozen=True)
class Patch:
    """Edits by video."""

    videos: dict[str, VideoPatch] = field(default_factory=dict)


def read_patches(paths: Sequence[Path]) -> Patch:
    """Read patch files (JSON or YAML) and put them together: edits in the order of the files, repeated ones once.

    Raises:
        DatasetError: a file is damaged, or two files contradict each other.
    """
    videos: dict[str, VideoPatch] = {}
    for path in paths:
        for name, new in _read(path).items():
            old = videos.get(name, VideoPatch([], new.base))
            if None not in (old.base, new.base) and old.base != new.base:
                raise DatasetError(
                    f"{path}: video {name} was patched for another build ({new.base}) than in the other files"
                )
            added = [edit for edit in new.edits if edit not in old.edits]
            if clash := _contradiction(old.edits, added):
                raise DatasetError(f"{path}: {name}: {clash} differs from an earlier patch; remove one edit")
            videos[name] = VideoPatch([*old.edits, *added], old.base or new.base)
    return Patch(videos)


def write_patch(patch: Patch) -> dict[str, Any]:
    """The patch as it is stored."""
    videos = {name: {"base": v.base, "edits": v.edits} for name, v in sorted(patch.videos.items())}
    return {"format": FORMAT, "version": VERSION, "videos": videos}


def apply(labels: VideoLabels, patch: VideoPatch) -> int:
    """Apply a video's edits, those already applied left out; return how many were new.

    Raises:
        DatasetError: the patch was made for other labels, or an edit names what does not exist. The draft may then be
            half edited; throw it away.
    """
    name = labels.header["id"]
    if patch.base is not None and patch.base != labels.base:
        raise DatasetError(
            f"{name}: the patch was made for labels {patch.base}, these are {labels.base}; "
            "use the version that the patch was made with, or remove `base` from it and check the result"
        )
    new = [edit for edit in patch.edits if edit not in labels.edits]
    for number, edit in enumerate(new, 1):
        action = _ACTIONS.get(str(edit.get("do", "")))
        if action is None:
            raise DatasetError(f"{name}: edit {number} does {edit.get('do')!r}; allowed: {', '.join(_ACTIONS)}")
        try:
            action(labels, edit)
        except KeyError as error:
            raise DatasetError(f"{name}: edit {number} ({edit['do']}) needs the key {error}") from error
        except DatasetError:
            raise
        except MALFORMED as error:
            raise DatasetError(f"{name}: edit {number} ({edit['do']}): {described(error)}") from error
        labels.edits.append(edit)
    if new:
        touched = [i for edit in new for i in [*edit.get("ids", []), edit.get("id")] if i is not None]
        labels.review = [item for item in labels.review if item["id"] not in touched]
    return len(new)


def _read(path: Path) -> dict[str, VideoPatch]:
    data = read_yaml(path, _REMEDY)
    try:
        if data["format"] != FORMAT or data["version"] != VERSION:
            raise ValueError(f"it is {data['format']!r} version {data['version']}, not {FORMAT!r} version {VERSION}")
        patches = {}
        for name, patch in data["videos"].items():
            edits = [dict(edit) for edit in patch["edits"]]
            base = None if patch.get("base") is None else text(patch["base"], "base")
            patches[text(name, "video")] = VideoPatch(edits, base)
        return patches
    except MALFORMED as error:
        raise DatasetError(f"cannot read patch {path}: {described(error)}; {_REMEDY}") from error


def _contradiction(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> str | None:
    """The mask or name that two people set differently, in words."""

    def targets(edits: list[dict[str, Any]]) -> dict[str, Any]:
        masks = {
            f"mask of object {e.get('id')} on frame {e.get('frame')}": e.get("rle")
            for e in edits
            if e.get("do") == "mask"
        }
        return masks | {
            f"category of object {e.get('id')}": e.get("category") for e in edits if e.get("do") == "rename"
        }

    before, after = targets(old), targets(new)
    return next((what for what in after if what in before and before[what] != after[what]), None)


# --------------------------------------------------------------------------------------------------------------- edits


def _merge(labels: VideoLabels, edit: dict[str, Any]) -> None:
    keep, *others = [_object(labels, i) for i in edit["ids"]]
    if len(set(edit["ids"])) < len(edit["ids"]):
        raise ValueError(f"ids are {edit['ids']}; name each object once")
    for other_id, other in zip(edit["ids"][1:], others, strict=True):
        if other.category != keep.category:
            raise ValueError(f"object {other_id} is a {other.category}, not a {keep.category}; rename it first")
        keep.masks = [_union(a, b) for a, b in zip(keep.masks, other.masks, strict=True)]
        del labels.objects[other_id]


def _split(labels: VideoLabels, edit: dict[str, Any]) -> None:
    source, frame, new = _object(labels, edit["id"]), _frame(labels, edit), _free_id(labels, edit["new"])
    nothing = [m and empty(labels.size) for m in source.masks]
    labels.objects[new] = LabelledObject(
        source.category, source.kind, source.label, nothing[:frame] + source.masks[frame:]
    )
    source.masks = source.masks[:frame] + nothing[frame:]


def _swap(labels: VideoLabels, edit: dict[str, Any]) -> None:
    a, b = (_object(labels, i) for i in edit["ids"])
    frame = _frame(labels, edit)
    a.masks[frame:], b.masks[frame:] = b.masks[frame:], a.masks[frame:]


def _relabel(labels: VideoLabels, edit: dict[str, Any]) -> None:
    _object(labels, edit["id"])
    labels.objects[_free_id(labels, edit["new"])] = labels.objects.pop(edit["id"])


def _rename(labels: VideoLabels, edit: dict[str, Any]) -> None:
    target = _object(labels, edit["id"])
    target.category, target.kind = _category(edit["category"])


def _drop(labels: VideoLabels, edit: dict[str, Any]) -> None:
    target = _object(labels, edit["id"])
    if "frames" not in edit:
        del labels.objects[edit["id"]]
        return
    for t in edit["frames"]:
        target.masks[_frame(labels, {"frame": t})] = empty(labels.size)


def _mask(labels: VideoLabels, edit: dict[str, Any]) -> None:
    frame, encoded = _frame(labels, edit), edit["rle"]
    if encoded is not None:
        if list(encoded["size"]) != list(labels.size):
            raise ValueError(f"the mask is {encoded['size']}, the frame {list(labels.size)}")
        encoded = rle.encode(rle.decode(encoded))  # checks it, and makes its form the usual one
    if edit["id"] not in labels.objects:
        category, kind = _category(edit["category"])
        blank: list[rle.Rle | None] = [empty(labels.size) if f.annotated else None for f in labels.frames]
        labels.objects[_free_id(labels, edit["id"])] = LabelledObject(category, kind, category, blank)
    labels.objects[edit["id"]].masks[frame] = encoded


_ACTIONS: dict[str, Callable[[VideoLabels, dict[str, Any]], None]] = {
    "merge": _merge,
    "split": _split,
    "swap": _swap,
    "relabel": _relabel,
    "rename": _rename,
    "drop": _drop,
    "mask": _mask,
}


def _object(labels: VideoLabels, object_id: int) -> LabelledObject:
    if object_id not in labels.objects:
        raise ValueError(f"there is no object {object_id}; ids here: {', '.join(map(str, sorted(labels.objects)))}")
    return labels.objects[object_id]


def _free_id(labels: VideoLabels, object_id: int) -> int:
    if whole_number(object_id, "new id", low=1) in labels.objects:
        raise ValueError(f"id {object_id} is taken; choose a free one")
    return object_id


def _frame(labels: VideoLabels, edit: dict[str, Any]) -> int:
    frame = whole_number(edit["frame"], "frame")
    if not 0 <= frame < len(labels.frames):
        raise ValueError(f"there is no frame {frame}; frames are 0 to {len(labels.frames) - 1}")
    return frame


def _category(name: str) -> tuple[str, str]:
    category = load_ontology().categories.get(name)
    if category is None:
        raise ValueError(f"{name!r} is not a category of the ontology (sasv/ontology.yaml)")
    return category.name, category.kind


def _union(a: rle.Rle | None, b: rle.Rle | None) -> rle.Rle | None:
    if a is None or b is None:
        return a or b
    if not rle.area(b):
        return a
    return b if not rle.area(a) else rle.encode(rle.decode(a) | rle.decode(b))
