"""What all routes share, and who calls them."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from sam2s.app.desk import Desks, VideoDesk
from sam2s.app.engine.client import Engine
from sam2s.app.facts import VideoFacts
from sam2s.app.library import Library
from sam2s.app.settings import AppSettings
from sam2s.app.tasks import Tasks
from sam2s.app.teaching.lineage import Lineage
from sam2s.app.teaching.runner import TeachingRunner
from sam2s.app.uploads import Uploads
from sam2s.app.workspace_access import Summaries

USER_COOKIE = "sam2s_user"
_MOST = 120


@dataclass(frozen=True, slots=True)
class AppContext:
    """The parts of one server."""

    settings: AppSettings
    summaries: Summaries
    facts: VideoFacts
    library: Library
    engine: Engine
    desks: Desks
    uploads: Uploads
    tasks: Tasks
    lineage: Lineage
    teaching: TeachingRunner

    @property
    def weights_name(self) -> str:
        """What people call the weights in use."""
        return self.lineage.name_of(self.engine.weights)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the tab of a browser or a program, and the name of the person."""

    tab: str
    user: str
    named: bool


def get_context(connection: HTTPConnection) -> AppContext:
    """The parts of the server that was asked."""
    context: AppContext = connection.app.state.context
    return context


def get_caller(connection: HTTPConnection) -> Caller:
    """Who asks; on loopback a person without a name has the one of the account."""
    given = unquote(connection.cookies.get(USER_COOKIE, "")) or connection.headers.get("x-user", "")
    name = "".join(letter for letter in given if letter.isprintable()).strip()[:_MOST]
    user = name or (_account() if get_context(connection).settings.on_loopback else "guest")
    tab = connection.headers.get("x-tab") or connection.query_params.get("tab") or f"program of {user}"
    return Caller(tab[:_MOST], user, bool(name))


def get_desk(
    connection: HTTPConnection, video_id: Annotated[str, Path(max_length=64, description="of GET /api/videos")]
) -> VideoDesk:
    """The desk of the video in the address, opened if it is not."""
    context = get_context(connection)
    return context.desks.open(context.library.find(video_id))


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "local user"


Context = Annotated[AppContext, Depends(get_context)]
Who = Annotated[Caller, Depends(get_caller)]
Desk = Annotated[VideoDesk, Depends(get_desk)]
