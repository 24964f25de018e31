"""What a mask in a workspace rests on: its run is tracked again up to the frame, and looked at there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

import sam2s
from sam2s.checkpoints import find_weights
from sam2s.errors import OutputError, PromptError
from sam2s.formats.prompts_file import PromptEntry
from sam2s.memory import MemoryPolicy
from sam2s.runs.checks import span
from sam2s.runs.exports import open_workspace_video
from sam2s.runs.open import stored_prompts
from sam2s.runs.run import hash_weights
from sam2s.runs.settings import RunSettings
from sam2s.session import VideoSession
from sam2s.session.events import decode_prompt
from sam2s.session.explain import Explanation, explain
from sam2s.tracking import ObjectState
from sam2s.video.frame import Frame, VideoSource
from sam2s.workspace import RunRecord, Workspace, WorkspaceReader

from .explain_picture import explanation_sheet

PRECISIONS = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


def explain_workspace(
    folder: Path,
    *,
    frame: int,
    object_id: int,
    video: str | None = None,
    weights: str | None = None,
    device: str = "auto",
    report_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Explanation, np.ndarray]:
    """Track the newest run of a workspace again up to a frame, and look at what an object's mask rests on there.

    Masks that came from the app are explained as a run from the prompts that the workspace holds gives them. Nothing is
    written to the workspace.

    Args:
        folder: the workspace.
        frame: index of the frame.
        object_id: of the object.
        video: where the video is; by default where it was when the workspace was made.
        weights: a name or a file; by default those of the run.
        device: as for `sam2s.load`.
        report_progress: told frames done and frames in all.

    Returns:
        the explanation, and a picture of it, uint8 [H, W, 3].

    Raises:
        OutputError: the weights are others than those of the run.
        PromptError: the object is not tracked on the frame.
        SourceError, WorkspaceError: the video or the workspace cannot be read.
    """
    with Workspace.open(folder) as workspace:
        runs = workspace.runs.all()
        settings = run_settings(folder, runs[-1] if runs else None, weights, device)
        if not settings.prompts:
            raise PromptError(f"nobody has pointed at an object in {folder}, so there is nothing to explain")
        if runs and weights is None and hash_weights(find_weights(settings.weights)) != runs[-1].weights_hash:
            raise OutputError(
                f"{settings.weights} are other weights than those that made the masks in {folder}; give the old ones "
                "with --weights, or track again"
            )
        network = sam2s.load(
            settings.weights, device=device, image_size=settings.image_size, precision=settings.precision
        )
        with closing(open_workspace_video(workspace, video)) as source:
            with VideoSession(network, source, policy=settings.policy, stride=settings.stride) as session:
                for entry in _needed_prompts(settings, object_id):
                    session.add_prompt(frame=entry.frame, object_id=entry.object_id, prompt=entry.prompt)
                explanation = explain(
                    session,
                    frame=frame,
                    object_id=object_id,
                    start=_first_frame(settings),
                    reverse=settings.reverse,
                    judged=_judged(workspace),
                    report_progress=report_progress,
                )
            return explanation, explanation_sheet(explanation, *_pictures(source, explanation))


def run_settings(folder: Path, run: RunRecord | None, weights: str | None, device: str) -> RunSettings:
    """The settings of a run from its record, or those of a new run from the workspace's prompts where there is none."""
    if run is None:
        return RunSettings("", folder, weights or "micro", prompts=stored_prompts(folder), device=device)
    stored: dict[str, Any] = run.settings
    prompts = [
        PromptEntry(entry["frame"], entry["id"], entry["name"], decode_prompt(entry)) for entry in stored["prompts"]
    ]
    kept = {name: stored[name] for name in ("image_size", "reverse", "start", "stop", "stride")}
    return RunSettings(
        "",
        folder,
        weights or run.weights,
        prompts=prompts,
        policy=MemoryPolicy(**stored["policy"]),
        precision=PRECISIONS.get(stored["precision"], "auto"),
        device=device,
        **kept,
    )


def _needed_prompts(settings: RunSettings, object_id: int) -> Sequence[PromptEntry]:
    """Prompts of the object alone, since no other changes it, or of all where lost objects heed the others' masks."""
    own = [entry for entry in settings.prompts if entry.object_id == object_id]
    return own if own and settings.policy.search is None else settings.prompts


def _first_frame(settings: RunSettings) -> int:
    begin, _ = span(settings)
    rest = begin % settings.stride
    return begin - rest if settings.reverse else begin + -begin % settings.stride


def _judged(workspace: WorkspaceReader) -> Callable[[Frame], bool]:
    """Whether the run looked for objects on a frame, as the workspace says."""

    def judged(frame: Frame) -> bool:
        states = [entry.state for entry in workspace.read_frame(frame.index).objects.values()]
        return ObjectState.NOT_JUDGED not in states

    return judged


def _pictures(source: VideoSource, explanation: Explanation) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    frames = {read.frame: source.frame(read.frame).image for read in explanation.reads}
    return source.frame(explanation.frame).image, frames
