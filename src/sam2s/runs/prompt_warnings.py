"""Prompts in doubt, as sentences for the person who gave them."""

from __future__ import annotations

from collections.abc import Iterable

from sam2s.quality import prompt_warning
from sam2s.tracking import Alarm
from sam2s.workspace import AlarmSpan, WorkspaceReader


def warnings_of(workspace: WorkspaceReader, alarms: Iterable[AlarmSpan]) -> list[str]:
    """A sentence for each prompt of a workspace that is in doubt, with what to do about it.

    Args:
        workspace: holds the prompts.
        alarms: `workspace.alarms()`.
    """
    doubtful = [span for span in alarms if span.alarm is Alarm.PROMPT]
    if not doubtful:
        return []
    names = {info.object_id: info.name for info in workspace.objects()}
    boxes = {
        (event.frame, event.object_id)
        for event in workspace.events(kinds=("prompt",))
        if not event.undone and "box" in event.payload.get("prompt", {})
    }
    sentences = []
    for span in doubtful:
        name = names.get(span.object_id)
        who = f"{name} (object {span.object_id})" if name else f"object {span.object_id}"
        kind = "box" if (span.start, span.object_id) in boxes else "points"
        sentences.append(prompt_warning(kind, f"{who} on frame {span.start}"))
    return sentences
