"""One source video from its raw frames to a draft: frames stored, objects made and linked, states filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.draft import Draft, DraftFrame, DraftObject, empty
from sam2s.sasv.instances import Counts, Instance, frame_instances, merged, with_colour
from sam2s.sasv.linking import Linker
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.pictures import small, store
from sam2s.sasv.raw import RawVideo
from sam2s.sasv.traces import note


@dataclass
class _Found:
    """What is known of one frame: whether anybody looked, for which labels (None: all), and the masks by id."""

    annotated: bool
    scope: frozenset[str] | None
    masks: dict[int, rle.Rle] = field(default_factory=dict)

    def looked_for(self, labels: set[str]) -> bool:
        return self.annotated and (self.scope is None or not self.scope.isdisjoint(labels))


def assemble(
    video: RawVideo, source: str, header: dict[str, Any], folder: Path, *, hard_link: bool
) -> tuple[Draft, list[str]]:
    """Go once through a video; only one frame's pixels are held at a time.

    Returns:
        The draft, and the names of the frames stored in `folder`.

    Raises:
        DatasetError: a file is missing, damaged or not as documented.
    """
    counts, ontology = Counts(), load_ontology()
    files: list[str] = []
    frames: list[DraftFrame] = []
    found: list[_Found] = []
    examples: dict[int, Instance] = {}
    names: dict[int, set[str]] = {}
    linker: Linker | None = None
    for t, frame in enumerate(video.frames()):
        if isinstance(frame.image, Path):
            note(frame.image)
        name, size = store(frame.image, folder, t, video.crop, hard_link=hard_link)
        linker = linker or Linker(video.link, size)
        if size != linker.size:
            raise DatasetError(
                f"{video.name}: frame {frame.index} is {size}, those before {linker.size}; restore the official files"
            )
        picture = small(folder / name, frame.image)
        labels = frame.labels
        files.append(name)
        frames.append(DraftFrame(frame.index, frame.pts, labels is not None))
        found.append(_Found(labels is not None, labels.scope if labels else None))
        if labels is None:
            continue
        instances = with_colour(
            frame_instances(
                labels,
                size,
                source=source,
                ontology=ontology,
                how=video.how,
                link=video.link,
                crop=video.crop,
                counts=counts,
            ),
            picture,
            size,
        )
        seen: dict[int, Instance] = {}
        for object_id, one in zip(linker.step(t, instances), instances, strict=True):
            seen[object_id] = merged(seen[object_id], one) if object_id in seen else one
        for object_id, one in seen.items():
            found[-1].masks[object_id] = rle.encode(one.mask(size))
            examples.setdefault(object_id, one)
            names.setdefault(object_id, set()).add(one.label)
    if linker is None:
        raise DatasetError(f"{video.name} has no frames; unpack the official download again")

    nothing = empty(linker.size)
    objects = {}
    for i, one in sorted(examples.items()):
        masks = [f.masks.get(i) or (nothing if f.looked_for(names[i]) else None) for f in found]
        label = " / ".join(sorted(names[i]))
        objects[i] = DraftObject(one.category.name, one.category.kind, label, masks, one.track)
    guess = {**linker.guess, "split": counts.split, "specks": counts.specks, "unknown_pixels": counts.unknown_pixels}
    draft = Draft(header, linker.size, frames, objects, guess, linker.review)
    draft.base = draft.fingerprint()
    return draft, files
