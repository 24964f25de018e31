"""The workspace of a run: opened or made, and the run found in it or begun."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sam2s.errors import DamagedWorkspaceError, HandWorkError, OutputError, WorkspaceError
from sam2s.formats import outputs
from sam2s.formats.prompts_file import PromptEntry, arrange, names
from sam2s.model import Network
from sam2s.runs.checks import SNAPSHOTS
from sam2s.runs.settings import RunSettings, differences
from sam2s.session.events import decode_prompt, encode_prompt
from sam2s.session.folder import remove_session_files
from sam2s.tracking import Mask
from sam2s.video import VideoSource
from sam2s.workspace import Layer, ObjectInfo, RunRecord, RunState, VideoIdentity, Workspace, WorkspaceReader

_MEND = "give another output folder (--out) or start it anew (--overwrite)"
_OF_PEOPLE = ("accept", "brush", "delete_masks", "import", "merge", "split", "swap")


def open_workspace(settings: RunSettings, source: VideoSource) -> Workspace:
    """Open the workspace of a run to write, or make it.

    Raises:
        OutputError: the folder belongs to another video, holds work of people that --overwrite would lose, is damaged,
            is written to by another process, or cannot be written.
    """
    folder, video = settings.out, VideoIdentity.of(source)
    if not Workspace.exists(folder):
        return Workspace.create(folder, video, take_over=settings.take_over)
    if settings.overwrite:
        _check_nothing_of_people(folder)
        workspace = Workspace.create(folder, video, overwrite=True, take_over=settings.take_over)
        try:
            outputs.remove(folder)
            for path in sorted((folder / SNAPSHOTS).glob("run-*")):
                remove_session_files(path)
        except BaseException:
            workspace.close()
            raise
        return workspace
    workspace = Workspace.open(folder, write=True, take_over=settings.take_over)
    held = workspace.video
    if held.fingerprint != video.fingerprint:
        workspace.close()
        which = f", also called {video.name}" if held.name == video.name else f": {held.name} there, {video.name} now"
        raise OutputError(f"{folder} belongs to another video{which}; {_MEND}")
    return workspace


def begin_run(settings: RunSettings, workspace: Workspace, network: Network, weights_hash: str) -> RunRecord:
    """Find the run of these settings in a workspace, to go on with it, or begin it.

    Raises:
        OutputError: the workspace holds a run made otherwise.
        DamagedWorkspaceError: masks of the finished run are lost or were changed.
    """
    runs, now = workspace.runs.all(), settings.to_json(network)
    if runs and not (settings.again and runs[-1].state is RunState.FINISHED):
        run = runs[-1]
        before = {"weights": run.weights, "weights_hash": run.weights_hash, **run.settings}
        different = list(differences(before, {"weights": settings.weights, "weights_hash": weights_hash, **now}))
        if not different:
            if run.state is RunState.FINISHED:
                _check_finished(workspace, run)
            return run
        if not settings.again:
            raise OutputError(
                f"{workspace.folder} holds a run of {workspace.video.name} made otherwise: {'; '.join(different)}; "
                f"{_MEND}, or track again beside it (--again)"
            )
    stored = _prompts_that_hold(workspace)
    with workspace.transaction():
        known = {info.object_id: info for info in workspace.objects(removed=True)}
        named = names(list(settings.prompts))
        for object_id in dict.fromkeys(entry.object_id for entry in settings.prompts):
            name = named.get(object_id)
            if object_id not in known:
                workspace.put_object(ObjectInfo(object_id, name))
        for entry in settings.prompts:
            prompt = encode_prompt(entry.prompt)
            if not _is_among(prompt, stored.get((entry.frame, entry.object_id), [])):
                payload = {"prompt": prompt, "keep": True}
                workspace.record("prompt", frame=entry.frame, object_id=entry.object_id, payload=payload)
        return workspace.runs.begin(now, settings.weights, weights_hash)


def stored_prompts(folder: Path) -> list[PromptEntry]:
    """Prompts and brushed masks that a workspace holds, as far as they were not taken back; none without workspace.

    Raises:
        WorkspaceError: a prompt in it cannot be read.
    """
    if not Workspace.exists(folder):
        return []
    with Workspace.open(folder) as workspace:
        known = {info.object_id: info for info in workspace.objects()}
        prompts = _prompts_that_hold(workspace)
    try:
        entries = [
            PromptEntry(frame, object_id, known[object_id].name, decode_prompt(prompt))
            for (frame, object_id), given in prompts.items()
            if object_id in known
            for prompt in given
        ]
    except (LookupError, TypeError, ValueError) as error:
        raise WorkspaceError(f"{folder} holds a prompt that cannot be read ({error}); give prompts anew") from error
    return arrange(entries)


def _prompts_that_hold(workspace: WorkspaceReader) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """Prompts by frame and object, in order, as plain JSON; a box, a mask or a brush starts a frame anew."""
    prompts: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for event in workspace.events(kinds=("prompt", "clear", "brush")):
        if event.undone or event.frame is None or event.object_id is None:
            continue
        place = event.frame, event.object_id
        prompt = event.payload.get("prompt", {})
        if "points" not in prompt or not event.payload.get("keep", True):
            prompts.pop(place, None)
        if event.kind == "prompt":
            prompts.setdefault(place, []).append(prompt)
        elif event.kind == "brush":
            entry = workspace.read_frame(event.frame).objects.get(event.object_id)
            if entry is not None and entry.layer in (Layer.BRUSHED, Layer.ACCEPTED) and entry.mask.any():
                prompts[place] = [encode_prompt(Mask(entry.mask))]
    return prompts


def _is_among(prompt: dict[str, Any], stored: list[dict[str, Any]]) -> bool:
    return any(json.dumps(prompt, sort_keys=True) == json.dumps(other, sort_keys=True) for other in stored)


def _check_finished(workspace: Workspace, run: RunRecord) -> None:
    try:
        workspace.check_event(run.event_id)
    except DamagedWorkspaceError as error:
        raise DamagedWorkspaceError(f"{error}; track anew with --overwrite, or with --again beside the rest") from error


def _check_nothing_of_people(folder: Path) -> None:
    """Refuse to forget what people did by hand; a workspace that cannot be read holds nothing that could be kept."""
    try:
        with Workspace.open(folder) as workspace:
            acts = [event for event in workspace.events(kinds=_OF_PEOPLE) if not event.undone]
    except DamagedWorkspaceError:
        return
    if acts:
        raise HandWorkError(
            f"{folder} holds {len(acts)} acts of people ({', '.join(sorted({event.kind for event in acts}))}), which "
            "--overwrite would lose; track beside them with --again, or give another --out"
        )
