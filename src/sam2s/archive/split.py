"""Splitting long videos into several jobs, and joining their results into one workspace."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from sam2s.errors import OutputError
from sam2s.quality import find_cuts
from sam2s.video import open_source
from sam2s.workspace import FrameRecord, Workspace

from .jobs import ArchiveJob
from .manifest import JobState, JobStatus
from .parts import VideoPart, match_ids, plan_parts
from .worker import source_settings

_PART = re.compile(r"(.+)\.part-(\d+)")


def split_job(job: ArchiveJob, *, longest: int, overlap: int) -> list[ArchiveJob]:
    """Split a job at scene cuts; one that is short enough is returned as it is.

    Args:
        job: what to divide.
        longest: frames of a part, without the overlap.
        overlap: frames that two parts share, by which ids are joined.

    Raises:
        SourceError: the video cannot be read.
        ConfigError: the parts would be no longer than the overlap.
    """
    with closing(open_source(job.video, **source_settings(job))) as source:
        if source.length is not None and source.length <= longest:
            return [job]
        seen = 0

        def count(done: int, _: int | None) -> None:
            nonlocal seen
            seen = done

        cuts = find_cuts(source, report_progress=count)
    parts = plan_parts(seen, cuts, longest=longest, overlap=overlap)
    if len(parts) == 1:
        return [job]
    return [
        replace(
            job,
            name=f"{job.name}.part-{part.number:03d}",
            settings={**job.settings, "part": part.number, "start": part.start, "stop": part.stop},
        )
        for part in parts
    ]


def parts_of(name: str, statuses: Sequence[JobStatus]) -> list[tuple[str, VideoPart]]:
    """Names and stretches of the parts of a video, in their order.

    Raises:
        OutputError: there are none, or one is not done.
    """
    parts = []
    for status in statuses:
        match = _PART.fullmatch(status.job.name)
        if match is None or match[1] != name:
            continue
        if status.state is not JobState.DONE:
            raise OutputError(f"{status.job.name} is {status.state}; parts can be joined when all are done")
        settings = status.job.settings
        parts.append((status.job.name, VideoPart(int(match[2]), settings["start"], settings["stop"])))
    if not parts:
        raise OutputError(f"the archive has no parts of {name!r}; `sam2s archive split` makes them")
    return sorted(parts, key=lambda item: item[1].number)


def join_parts(folders: Sequence[Path], parts: Sequence[VideoPart], out: Path) -> dict[int, dict[int, int]]:
    """Write the masks of all parts into one workspace.

    Ids are joined pair by pair by the masks on the shared frames (see `match_ids`); an object that no earlier one
    agrees with gets a new id. Of the shared frames the earlier part gives the first half, the later part the rest.

    Args:
        folders: workspaces of the parts, in their order.
        parts: the stretches.
        out: folder of the new workspace.

    Returns:
        id in the new workspace, by id in the part, by number of the part.

    Raises:
        OutputError: the folder holds a workspace, or cannot be written.
        WorkspaceError: that of a part cannot be read.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(Workspace.open(folder)) for folder in folders]
        ids = _joined_ids(opened, parts)
        joined = stack.enter_context(Workspace.create(out, opened[0].video))
        for workspace, part in zip(opened, parts, strict=True):
            for info in workspace.objects():
                new = ids[part.number][info.object_id]
                if all(known.object_id != new for known in joined.objects()):
                    joined.put_object(replace(info, object_id=new, end_frame=None))
        event = joined.record("import", payload={"parts": [[part.start, part.stop] for part in parts]})
        with joined.transaction():
            for workspace, (start, stop), part in zip(opened, _own_stretches(parts), parts, strict=True):
                for record in workspace.frames(start, stop):
                    joined.write_frame(_renumbered(record, ids[part.number]), event.event_id)
        return ids


def _joined_ids(opened: Sequence[Workspace], parts: Sequence[VideoPart]) -> dict[int, dict[int, int]]:
    ids: dict[int, dict[int, int]] = {}
    following = 1
    for number, (workspace, part) in enumerate(zip(opened, parts, strict=True)):
        same = {}
        if number:
            before, earlier = opened[number - 1], parts[number - 1]
            pairs = match_ids(*(_masks(w, part.start, earlier.stop) for w in (before, workspace)))
            same = {later: ids[earlier.number][one] for later, one in pairs.items()}
        mine = {}
        for info in workspace.objects():
            known = same.get(info.object_id)
            mine[info.object_id] = following if known is None else known
            following += known is None
        ids[part.number] = mine
    return ids


def _masks(workspace: Workspace, start: int, stop: int) -> dict[int, list[np.ndarray]]:
    empty = np.zeros(workspace.video.size, bool)
    records = {record.index: record for record in workspace.frames(start, stop)}
    return {
        info.object_id: [_mask(records.get(frame), info.object_id, empty) for frame in range(start, stop)]
        for info in workspace.objects()
    }


def _mask(record: FrameRecord | None, object_id: int, empty: np.ndarray) -> np.ndarray:
    if record is None or object_id not in record.objects:
        return empty
    return record.objects[object_id].mask


def _own_stretches(parts: Sequence[VideoPart]) -> Iterator[tuple[int, int]]:
    """The frames that each part gives: shared ones are halved."""
    borders = [(after.start + before.stop) // 2 for before, after in itertools.pairwise(parts)]
    starts, stops = [parts[0].start, *borders], [*borders, parts[-1].stop]
    yield from zip(starts, stops, strict=True)


def _renumbered(record: FrameRecord, ids: dict[int, int]) -> FrameRecord:
    objects = {ids[i]: replace(one, object_id=ids[i]) for i, one in record.objects.items()}
    return replace(record, objects=objects)
