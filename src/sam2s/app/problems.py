"""Errors of the API: one shape for all of them, `{"error": {"kind", "message", "field"}}`."""

from __future__ import annotations

import logging
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from sam2s.errors import MissingExtraError, Sam2sError

Kind = Literal[
    "invalid", "not-found", "forbidden", "no-token", "locked", "too-large", "too-many", "unreadable", "failed", "method"
]
STATUS: dict[Kind, int] = {
    "invalid": 422,
    "not-found": 404,
    "forbidden": 403,
    "no-token": 401,
    "locked": 423,
    "too-large": 413,
    "too-many": 429,
    "unreadable": 409,
    "failed": 500,
    "method": 405,
}
_KINDS: dict[int, Kind] = {status: kind for kind, status in STATUS.items()} | {400: "invalid"}
_log = logging.getLogger(__name__)


class ProblemDetail(BaseModel):
    """What went wrong, for a program (`kind`) and for a person (`message`)."""

    kind: Kind
    message: str
    field: str | None = None


class Problem(BaseModel):
    """The body of every answer that is no success."""

    error: ProblemDetail


class ApiError(Exception):
    """A request that cannot be served; becomes a `Problem`.

    Args:
        kind: which sort of problem; decides the status.
        message: names the thing, its value, what is allowed and what mends it.
        field: the part of the request that is wrong, if it is one.
    """

    def __init__(self, kind: Kind, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.field = kind, message, field

    def response(self) -> JSONResponse:
        """The answer."""
        return problem_response(self.kind, self.message, self.field)


def problem_response(kind: Kind, message: str, field: str | None = None) -> JSONResponse:
    """Make the answer for a problem."""
    detail = {"kind": kind, "message": message, "field": field}
    return JSONResponse({"error": detail}, STATUS[kind], {"Cache-Control": "no-store"})


def install_handlers(app: FastAPI) -> None:
    """Turn every exception that can leave a route into a `Problem`."""

    @app.exception_handler(ApiError)
    async def refused(_: Request, error: ApiError) -> JSONResponse:
        return error.response()

    @app.exception_handler(Sam2sError)
    async def ours(_: Request, error: Sam2sError) -> JSONResponse:
        kind: Kind = "invalid" if isinstance(error, ValueError | MissingExtraError) else "unreadable"
        return problem_response(kind, str(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
        return problem_response("invalid", f"{field or 'the request'}: {first['msg']}", field or None)

    @app.exception_handler(HTTPException)
    async def of_the_framework(_: Request, error: HTTPException) -> JSONResponse:
        kind = _KINDS.get(error.status_code, "invalid")
        return problem_response(kind, str(error.detail))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem_response("failed", "the server failed on this request; its log says why")
