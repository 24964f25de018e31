"""The server: routes, pages, and the life of all that they share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from sam2s import __version__
from sam2s.app import (
    routes_acts,
    routes_marks,
    routes_people,
    routes_remarks,
    routes_runs,
    routes_start,
    routes_teach,
    routes_transfer,
    routes_video,
)
from sam2s.app.access import AccessLayer
from sam2s.app.context import AppContext
from sam2s.app.desk import Desks
from sam2s.app.engine.client import Engine
from sam2s.app.facts import VideoFacts
from sam2s.app.library import Library
from sam2s.app.problems import Problem, install_handlers
from sam2s.app.settings import AppSettings
from sam2s.app.tasks import Tasks
from sam2s.app.teaching.lineage import Lineage
from sam2s.app.teaching.runner import TeachingRunner
from sam2s.app.uploads import Uploads
from sam2s.app.workspace_access import Summaries

_REST_SECONDS = 2.0
_DESCRIPTION = """Everything that the pages of `sam2s app` do. Object ids and frame numbers are those of the exports;
masks are COCO run lengths; every answer that is no success has the shape `Problem`. Send `X-Tab` (any text that names
your program) and `X-User` (your name) with each request; off loopback also `Authorization: Bearer TOKEN`."""


def static_folder() -> Path:
    """The folder of pages, scripts and styles."""
    return Path(str(files("sam2s.app").joinpath("static")))


def make_context(settings: AppSettings) -> AppContext:
    """Make the parts of a server; nothing runs yet."""
    summaries, teaching = Summaries(), TeachingRunner()
    library = Library(settings, summaries)
    lineage = Lineage(library.root, settings.weights)
    engine = Engine(settings, lineage.current, teaching.paused)
    desks = Desks(settings.limits, engine)
    uploads = Uploads(library, settings.limits)
    return AppContext(settings, summaries, VideoFacts(), library, engine, desks, uploads, Tasks(), lineage, teaching)


def create_app(settings: AppSettings) -> FastAPI:
    """Make the application for one served folder."""
    context = make_context(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        context.engine.start()
        resting = asyncio.create_task(_rest(context))
        yield
        resting.cancel()
        with suppress(asyncio.CancelledError):
            await resting
        await asyncio.to_thread(_close, context)

    problem: dict[int | str, dict[str, Any]] = {"default": {"model": Problem, "description": "what went wrong"}}
    app = FastAPI(
        title="SAM2S app",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        responses=problem,
    )
    app.state.context, app.state.sockets = context, 0
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]
    install_handlers(app)
    routers = (routes_start, routes_teach, routes_video, routes_acts, routes_runs, routes_people)
    for module in (*routers, routes_marks, routes_remarks, routes_transfer):
        app.include_router(module.router)
    if settings.pages:
        _add_pages(app)
    app.add_middleware(AccessLayer, settings=settings)
    return app


def _describe(app: FastAPI) -> dict[str, Any]:
    """The API's description, without the framework's own shape of refusals, which is never sent."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for methods in described["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            described["components"]["schemas"].pop(name, None)
        app.openapi_schema = described
    return app.openapi_schema


def _add_pages(app: FastAPI) -> None:
    folder = static_folder()

    @app.get("/", include_in_schema=False)
    def start_page() -> FileResponse:
        return FileResponse(folder / "index.html")

    @app.get("/work/{video_id}", include_in_schema=False)
    def work_page(request: Request, video_id: str) -> FileResponse:
        return FileResponse(folder / "work.html")

    app.mount("/static", StaticFiles(directory=folder), name="static")


async def _rest(context: AppContext) -> None:
    """Let go, now and then, of what nobody uses."""
    while True:
        await asyncio.sleep(_REST_SECONDS)
        await asyncio.to_thread(context.desks.rest)


def _close(context: AppContext) -> None:
    context.teaching.close()
    context.tasks.close()
    context.engine.close()
    context.desks.close()
