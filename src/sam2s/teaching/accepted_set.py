"""Accepted masks as a data set to train on, with a part that is held out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.files import replacing
from sam2s.masks.palette import write_label_map
from sam2s.progress import ProgressCallback, ignore_progress
from sam2s.runs import open_workspace_video
from sam2s.workspace import FrameRecord, Layer, Workspace, WorkspaceReader

LEAST_FRAMES = 8
"""Accepted frames below which there is nothing to learn from, or to measure on."""

HELD_OUT_SHARE = 0.25
"""Part of an only span that is held out, at its end."""

QUALITY = 95
"""Of the JPEG pictures that are trained on."""

Stretch = tuple[int, int]
"""First frame, and the frame to stop before."""


@dataclass(frozen=True)
class AcceptedSet:
    """What was written.

    Attributes:
        folder: a DAVIS folder whose lists `train` and `val` name the sequences of each part.
        train, val: frames of each part.
        objects: objects with an accepted mask.
        rule: in words, what is held out.
    """

    folder: Path
    train: int
    val: int
    objects: int
    rule: str


def write_accepted_set(
    workspaces: Sequence[Path],
    folder: Path,
    *,
    report_progress: ProgressCallback = ignore_progress,
) -> AcceptedSet:
    """Write the accepted frames of workspaces as DAVIS sequences.

    Every span of frames on which an object is accepted becomes a sequence, with the accepted objects' masks only. Held
    out is the whole last video where there are three or more, else the last span of each video, or the end of a span
    that is the only one.

    Args:
        workspaces: folders of workspaces; their videos must lie where they were.
        folder: to write; replaced if it is there.
        report_progress: told "reading", frames written and frames in all.

    Raises:
        DatasetError: too little is accepted, to learn from or to hold out.
        SourceError: a video is not where it was.
        WorkspaceError: another video is there.
    """
    names = _unique_names(workspaces)
    train, val, rule = _divided(workspaces)
    total = _frame_count(train) + _frame_count(val)
    objects, done = set[tuple[Path, int]](), 0
    with replacing(folder) as partial:
        lists: dict[str, list[str]] = {"train": [], "val": []}
        for kind, part in (("train", train), ("val", val)):
            for path, stretches in part.items():
                for stretch in stretches:
                    name = f"{names[path]}-{stretch[0]:06d}"
                    for object_ids in _write_sequence(path, stretch, partial, name):
                        objects |= {(path, object_id) for object_id in object_ids}
                        done += 1
                        report_progress("reading", done, total)
                    lists[kind].append(name)
        (partial / "ImageSets").mkdir()
        for kind, sequences in lists.items():
            (partial / "ImageSets" / f"{kind}.txt").write_text("".join(f"{name}\n" for name in sequences))
    return AcceptedSet(folder, _frame_count(train), _frame_count(val), len(objects), rule)


def survey_accepted_set(workspaces: Sequence[Path], folder: Path) -> AcceptedSet:
    """Say what `write_accepted_set` would write, without a look at the videos.

    Raises:
        DatasetError: too little is accepted, to learn from or to hold out.
    """
    train, val, rule = _divided(workspaces)
    objects = 0
    for path in workspaces:
        with Workspace.open(path) as workspace:
            objects += sum(bool(_frames(workspace, info.object_id)) for info in workspace.objects())
    return AcceptedSet(folder, _frame_count(train), _frame_count(val), objects, rule)


def count_accepted(workspace: WorkspaceReader) -> int:
    """Number of frames on which an object of a workspace is accepted."""
    return len({frame for info in workspace.objects() for frame in _frames(workspace, info.object_id)})


def _divided(workspaces: Sequence[Path]) -> tuple[dict[Path, list[Stretch]], dict[Path, list[Stretch]], str]:
    """The part to learn from, the part to measure on, and the rule; refused where one of them is too small."""
    train, val, rule = hold_out({path: _accepted_spans(path) for path in workspaces})
    for part, what in ((train, "to learn from"), (val, "to measure on")):
        if _frame_count(part) < LEAST_FRAMES:
            raise DatasetError(
                f"too few frames are accepted {what}: {LEAST_FRAMES} are needed at least; accept more in the app "
                "(key A), best on two spans of the video"
            )
    return train, val, rule


def _frame_count(part: Mapping[Path, Sequence[Stretch]]) -> int:
    return sum(stop - start for stretches in part.values() for start, stop in stretches)


def hold_out(
    spans: Mapping[Path, Sequence[Stretch]],
) -> tuple[dict[Path, list[Stretch]], dict[Path, list[Stretch]], str]:
    """Divide accepted spans into a part to learn from and a part to measure on, and say by which rule."""
    used = {path: list(stretches) for path, stretches in spans.items() if stretches}
    if len(used) >= 3:
        last = list(used)[-1]
        train = {path: stretches for path, stretches in used.items() if path != last}
        return train, {last: used[last]}, f"all of {last.name}"
    train, val = {}, {}
    for path, stretches in used.items():
        if len(stretches) > 1:
            train[path], val[path] = stretches[:-1], stretches[-1:]
        else:
            start, stop = stretches[0]
            border = stop - max(1, round(HELD_OUT_SHARE * (stop - start)))
            train[path], val[path] = [(start, border)], [(border, stop)]
    return train, val, "the last accepted span of each video, or the last quarter of an only one"


def _accepted_spans(path: Path) -> list[Stretch]:
    """Spans of frames on which any object is accepted, ascending."""
    with Workspace.open(path) as workspace:
        return _spans_of(workspace)


def _spans_of(workspace: WorkspaceReader) -> list[Stretch]:
    """Runs of frames on which any object is accepted; one without a mask ends a run, since nobody judged it."""
    frames = {frame for info in workspace.objects() for frame in _frames(workspace, info.object_id)}
    spans: list[Stretch] = []
    for frame in sorted(frames):
        if spans and spans[-1][1] == frame:
            spans[-1] = spans[-1][0], frame + 1
        else:
            spans.append((frame, frame + 1))
    return spans


def _write_sequence(path: Path, stretch: Stretch, folder: Path, name: str) -> Iterator[list[int]]:
    """Write the pictures and label maps of a span; yields the ids that each frame has."""
    pictures, labels = (folder / kind / name for kind in ("JPEGImages", "Annotations"))
    pictures.mkdir(parents=True)
    labels.mkdir(parents=True)
    with Workspace.open(path) as workspace:
        video = workspace.video
        with closing(open_workspace_video(workspace)) as source:
            accepted = {info.object_id: _frames(workspace, info.object_id) for info in workspace.objects()}
            records = workspace.frames(*stretch)
            for frame, record in zip(source.frames(*stretch), records, strict=True):
                ids = [object_id for object_id, frames in accepted.items() if record.index in frames]
                Image.fromarray(frame.image).save(pictures / f"{record.index:06d}.jpg", quality=QUALITY)
                write_label_map(labels / f"{record.index:06d}.png", _label_map(record, ids, video.size))
                yield ids


def _frames(workspace: WorkspaceReader, object_id: int) -> set[int]:
    """Frames on which a mask of an object is accepted."""
    return {frame for frame, _, layer in workspace.given_frames(object_id) if layer is Layer.ACCEPTED}


def _label_map(record: FrameRecord, ids: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """Labels uint8 [H, W] of the accepted objects; where two overlap the later id stands."""
    labels = np.zeros(size, np.uint8)
    for object_id in ids:
        if object_id in record.objects:
            labels[record.objects[object_id].mask] = object_id
    return labels


def _unique_names(workspaces: Sequence[Path]) -> dict[Path, str]:
    names: dict[Path, str] = {}
    for path in workspaces:
        base = path.resolve().name
        name, number = base, 2
        while name in names.values():
            name, number = f"{base}-{number}", number + 1
        names[path] = name
    return names
