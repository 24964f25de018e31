"""Who may talk to the server: the token, the names it goes by, the pages that may call it, the size of what they send.

One ASGI layer in front of everything, so that no route can forget a check.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sam2s.app.problems import ApiError
from sam2s.app.settings import LOOPBACK, AppSettings
from sam2s.files import write_atomically

COOKIE = "sam2s_token"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
_SAFE = ("GET", "HEAD", "OPTIONS")


def hash_token(token: str) -> str:
    """What is stored of a token; tokens are long random strings, so a plain hash cannot be searched through."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_token(folder: Path, *, renew: bool = False) -> tuple[str | None, str]:
    """Return (token, hash) for a served folder; the token is None where it was made, and printed, before."""
    path = folder / ".sam2s" / "token.json"
    if path.exists() and not renew:
        try:
            return None, str(json.loads(path.read_text())["sha256"])
        except (OSError, ValueError, LookupError, TypeError):
            pass  # damaged: another one takes its place
    token = secrets.token_urlsafe(24)
    write_atomically(path, json.dumps({"sha256": hash_token(token)}).encode())
    path.chmod(0o600)
    return token, hash_token(token)


class AccessLayer:
    """Refuses what may not come in and adds the headers that keep pages of others out.

    - Host must be an address of this server, so that a name that somebody points here does not become ours.
    - Origin, where a browser sends one, must be this server, for every request that changes something and for every
      WebSocket.
    - The token, where one is needed, comes as cookie or as `Authorization: Bearer`.
    - A body is read up to its bound and no further.
    """

    def __init__(self, app: ASGIApp, settings: AppSettings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            self._check_origin(scope, headers)
            if scope["type"] == "http" and await self._sign_in(scope, receive, send):
                return
            self._check_token(scope, headers)
            limit = self._body_limit(scope["path"])
            if scope["type"] == "http" and int(headers.get("content-length") or 0) > limit:
                raise ApiError("too-large", f"the body is larger than {limit} bytes, the most that is taken here")
        except ValueError:
            await self._refuse(scope, receive, send, ApiError("invalid", "Content-Length is not a number"))
            return
        except ApiError as error:
            await self._refuse(scope, receive, send, error)
            return
        await self.app(scope, _bounded(receive, limit), self._with_headers(scope, send))

    def _check_host(self, headers: Headers) -> None:
        name = _host_name(headers.get("host", ""))
        allowed = {self.settings.host, *self.settings.allowed_hosts, *LOOPBACK}
        if name not in allowed and not self._any_address(name):
            raise ApiError(
                "forbidden", f"this server does not go by the name {name!r}; start it with --allow-host {name}"
            )

    def _any_address(self, name: str) -> bool:
        """Listening on every address, the server may be called by any numeric one; names must be allowed."""
        import ipaddress

        if self.settings.host not in ("0.0.0.0", "::"):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        origin = headers.get("origin")
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return
        if origin is None:
            if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
                raise ApiError("forbidden", "requests from pages of other sites are refused")
            return
        if urlsplit(origin).netloc != headers.get("host", ""):
            raise ApiError("forbidden", f"a page of {origin} may not use this server")

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Take the token out of the first address and put it into a cookie."""
        given = parse_qs(scope["query_string"].decode("latin-1"))
        wanted = self.settings.token_hash
        if wanted is None or "token" not in given or scope["method"] != "GET":
            return False
        token = given.pop("token")[0]
        if not _equal(token, wanted):
            raise ApiError("no-token", "this token is not the server's; use the address that it printed when it began")
        rest = urlencode(given, doseq=True)
        response = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), 303)
        secure = self.settings.tls_cert is not None
        response.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", secure=secure, max_age=90 * 86400, path="/"
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        await response(scope, receive, send)
        return True

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        wanted = self.settings.token_hash
        if wanted is None:
            return
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        token = bearer if scheme.lower() == "bearer" else _cookie(headers, COOKIE)
        if not token or not _equal(token, wanted):
            raise ApiError("no-token", "a token is needed; open the address that the server printed when it began")

    def _body_limit(self, path: str) -> int:
        limits = self.settings.limits
        if path.startswith("/api/uploads/"):
            return limits.upload_chunk_bytes
        return limits.import_bytes if path.endswith("/imports") else limits.body_bytes

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, error: ApiError) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401 if error.kind == "no-token" else 4403})
            return
        page = "text/html" in Headers(scope=scope).get("accept", "") and not scope["path"].startswith("/api/")
        response = PlainTextResponse(error.message, error.response().status_code) if page else error.response()
        await response(scope, receive, self._with_headers(scope, send))

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
                headers.setdefault("X-Frame-Options", "DENY")
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        return send_with_headers


def _bounded(receive: Receive, limit: int) -> Receive:
    """Stop reading a body that says nothing of its length and grows beyond the bound."""
    read = 0

    async def receive_bounded() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > limit:  # of the framework's own kind, which it passes on from inside the reading of a body
                raise HTTPException(413, f"the body is larger than {limit} bytes, the most that is taken here")
        return message

    return receive_bounded


def _host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _equal(token: str, wanted: str) -> bool:
    return hmac.compare_digest(hash_token(token), wanted)
