"""The start page's calls: videos, their pictures, uploads, a drawn clip, who one is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from sam2s import __version__
from sam2s.app.context import USER_COOKIE, AppContext, Context, Who
from sam2s.app.export_choice import PICTURES_IN
from sam2s.app.library import VideoEntry
from sam2s.app.problems import ApiError
from sam2s.app.requests import DrawRequest, PersonRequest, UploadRequest
from sam2s.app.schemas import FormatItem, Formats, Person, ServerInfo, UploadState, VideoCard
from sam2s.app.transfers import EXPORT_FORMATS, IMPORT_FORMATS
from sam2s.app.uploads import Upload
from sam2s.errors import Sam2sError

router = APIRouter(prefix="/api", tags=["start"])
Sort = Literal["name", "opened", "length", "progress"]


@router.get("/server")
def server(context: Context) -> ServerInfo:
    """What this server is and whether its weights are loaded."""
    settings, engine = context.settings, context.engine
    return ServerInfo(
        version=__version__,
        weights=context.weights_name,
        demonstration=engine.weights == "micro",
        device=engine.detail["device"] if engine.detail else None,
        ready=engine.detail is not None,
        problem=engine.problem,
        local=settings.on_loopback,
        folder=settings.folder.name or str(settings.folder),
        max_upload=settings.limits.upload_bytes,
    )


@router.get("/formats")
def formats() -> Formats:
    """Formats that masks are written to and read from."""
    lists = (EXPORT_FORMATS, IMPORT_FORMATS)
    written, read = ([FormatItem(name=name, label=label) for name, label in names.items()] for names in lists)
    return Formats(export=written, imported=read, pictures=list(PICTURES_IN))


@router.get("/me")
def me(context: Context, who: Who) -> Person:
    """Who one is; off loopback a name is asked for."""
    return Person(name=who.user, needs_name=not who.named and not context.settings.on_loopback)


@router.put("/me")
def rename_me(context: Context, body: PersonRequest, response: Response) -> Person:
    """Work under a name; events say it from then on."""
    from urllib.parse import quote

    secure = context.settings.tls_cert is not None
    response.set_cookie(
        USER_COOKIE, quote(body.name), max_age=365 * 86400, samesite="strict", httponly=True, secure=secure, path="/"
    )
    return Person(name=body.name)


@router.get("/videos")
def videos(
    context: Context, search: Annotated[str, Query(max_length=200)] = "", sort: Sort = "name"
) -> list[VideoCard]:
    """The videos of the served folder."""
    cards = [_card(context, entry) for entry in context.library.entries() if search.lower() in entry.name.lower()]
    if sort == "opened":
        cards.sort(key=lambda card: -(card.opened or 0))
    elif sort == "length":
        cards.sort(key=lambda card: -(card.length or 0))
    elif sort == "progress":
        cards.sort(key=lambda card: (card.accepted, card.masked))
    return cards


@router.get("/videos/{video_id}/thumbnail", response_class=Response)
def thumbnail(context: Context, video_id: str, width: Annotated[int, Query(ge=16, le=640)] = 320) -> Response:
    """A picture of a video, from a tenth of its length."""
    desk = context.desks.open(context.library.find(video_id))
    length = desk.frames.source.length
    frame = 0 if length is None else min(length - 1, length // 10, 2000)
    picture = desk.frames.picture(frame, width)
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@router.post("/videos/drawn", status_code=201)
def draw(context: Context, body: DrawRequest) -> VideoCard:
    """Draw a clip of a surgical scene, to try everything on."""
    from sam2s.app.drawn_clip import draw_clip

    path = draw_clip(context.library.root, body.seed, body.frames)
    return _card(context, context.library.entry_of(path))


@router.post("/uploads", status_code=201)
def begin_upload(context: Context, body: UploadRequest) -> UploadState:
    """Begin to send a video, or go on with one that was begun."""
    return _state(context.uploads.begin(body.name, body.size))


@router.get("/uploads/{upload_id}")
def upload_state(context: Context, upload_id: str) -> UploadState:
    """How much of an upload has arrived."""
    return _state(context.uploads.find(upload_id))


@router.patch("/uploads/{upload_id}")
async def append_upload(
    context: Context, request: Request, upload_id: str, offset: Annotated[int, Query(ge=0, le=1 << 45)]
) -> UploadState:
    """Send the part that begins at `offset`; with the last one the video appears."""
    from starlette.concurrency import run_in_threadpool

    chunk = await request.body()
    return await run_in_threadpool(_append, context, upload_id, offset, chunk)


@router.delete("/uploads/{upload_id}", status_code=204)
def drop_upload(context: Context, upload_id: str) -> None:
    """Give an upload up."""
    context.uploads.drop(upload_id)


def _append(context: AppContext, upload_id: str, offset: int, chunk: bytes) -> UploadState:
    upload = context.uploads.append(upload_id, offset, chunk)
    if upload.offset < upload.size:
        return _state(upload)
    path = context.uploads.finish(upload_id)
    state = _state(upload)
    state.video = _card(context, context.library.entry_of(path))
    return state


def _state(upload: Upload) -> UploadState:
    return UploadState(id=upload.id, name=upload.name, size=upload.size, offset=upload.offset)


def _card(context: AppContext, entry: VideoEntry) -> VideoCard:
    card = VideoCard(id=entry.id, name=entry.name, path=context.library.relative(entry.path), bytes=_bytes(entry.path))
    try:
        fact = context.facts.of(entry)
        card.height, card.width = fact.size
        card.length, card.duration = fact.length, fact.duration
        summary = context.summaries.summary(entry.workspace)
    except (Sam2sError, OSError) as error:
        card.error = str(error)
        return card
    except ApiError as error:
        card.error = error.message
        return card
    if summary is not None:
        card.objects, card.opened, card.author = summary.objects, summary.changed, summary.author
        card.counted = summary.counted
        card.masked = summary.masked / card.length if card.length else 0.0
        card.accepted = summary.accepted / summary.object_frames if summary.object_frames else 0.0
    return card


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else sum(one.stat().st_size for one in path.iterdir())
    except OSError:
        return 0
