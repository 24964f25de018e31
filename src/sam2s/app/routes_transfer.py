"""Exports and imports: begun, watched, fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from sam2s.app.context import AppContext, Caller, Context, Desk, Who
from sam2s.app.desk import VideoDesk
from sam2s.app.export_choice import ExportChoice, check_pictures
from sam2s.app.problems import ApiError
from sam2s.app.requests import ExportRequest
from sam2s.app.schemas import TaskState
from sam2s.app.tasks import Progress, Task
from sam2s.app.transfers import EXPORT_FORMATS, IMPORT_FORMATS, arrival, export, import_file

router = APIRouter(prefix="/api/videos/{video_id}", tags=["transfer"])


@router.post("/exports", status_code=202)
def begin_export(context: Context, desk: Desk, body: ExportRequest) -> TaskState:
    """Write masks in a format of others, beside the workspace, for `sam2s` and for the browser."""
    if body.format not in EXPORT_FORMATS:
        raise ApiError("invalid", f"{body.format!r} is not written; allowed are {', '.join(EXPORT_FORMATS)}", "format")
    for object_id in body.objects or []:
        desk.object(object_id)

    if body.stop is not None and body.stop <= body.start:
        raise ApiError("invalid", f"frames {body.start} to {body.stop} are none; give a stop behind the start", "stop")
    if body.pictures:
        check_pictures(body.format, 0)
    choice = ExportChoice(body.start, body.stop, body.step, body.accepted_only)

    def work(report: Progress) -> tuple[Path, str]:
        root = context.library.root
        objects, pictures = body.objects, body.pictures
        return export(desk, root, body.format, objects=objects, choice=choice, pictures=pictures, report=report)

    return _state(context.tasks.start(f"export {body.format}", desk.entry.id, work))


@router.post("/imports", status_code=202)
async def begin_import(
    context: Context,
    desk: Desk,
    who: Who,
    request: Request,
    format: Annotated[str, Query(max_length=20)],
    name: Annotated[str, Query(min_length=1, max_length=255)] = "masks",
) -> TaskState:
    """Read masks, polygons or boxes of a file (the body; a folder as .zip) as objects of the video."""
    if format not in IMPORT_FORMATS:
        raise ApiError("invalid", f"{format!r} is not read; allowed are {', '.join(IMPORT_FORMATS)}", "format")
    await run_in_threadpool(desk.lock.take, who.tab, who.user)
    path = arrival(context.library.root, name)
    with path.open("wb") as file:
        async for chunk in request.stream():
            await run_in_threadpool(file.write, chunk)

    def work(report: Progress) -> tuple[None, str]:
        limits = context.settings.limits
        return import_file(
            desk, path, format, who.user, limits=limits, answer=_answerer(context, desk, who), report=report
        )

    return _state(context.tasks.start(f"import {format}", desk.entry.id, work))


@router.get("/tasks/{task_id}")
def task_state(context: Context, desk: Desk, task_id: str) -> TaskState:
    """How far an export or import is."""
    return _state(context.tasks.find(desk.entry.id, task_id))


@router.get("/tasks/{task_id}/file", response_class=FileResponse)
def task_file(context: Context, desk: Desk, task_id: str) -> FileResponse:
    """The file that an export made."""
    path = context.tasks.find(desk.entry.id, task_id).file
    if path is None or not path.is_file():
        raise ApiError("not-found", "there is no file of this export (any more); export again")
    return FileResponse(path, filename=path.name, headers={"Cache-Control": "no-store"})


def _answerer(context: AppContext, desk: VideoDesk, who: Caller) -> Callable[[int], None]:
    def answer(event_id: int) -> None:
        context.engine.ask(desk.order("prompt", who.user, event_id=event_id))

    return answer


def _state(task: Task) -> TaskState:
    return TaskState(
        id=task.id,
        kind=task.kind,
        state=task.state,
        done=task.done,
        total=task.total,
        message=task.message,
        file=task.file.name if task.file else None,
    )
