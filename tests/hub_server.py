"""A server on this machine that answers like the Hugging Face hub, for its real client to talk to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COMMIT = "c0ffee" + "0" * 34


class HubServer(ThreadingHTTPServer):
    """Serves `files` by (repository, name). Set `fault` to make it misbehave; read `requests` to see what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[tuple[str, str], bytes] = {}
        self.fault = ""
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        asked = self.headers.get("Range", "")
        self.server.requests.append(f"{self.command} {asked}".strip())
        repo, _, rest = self.path.lstrip("/").partition("/resolve/")
        data = self.server.files.get((repo, rest.partition("/")[2]))
        fault = self.server.fault
        if fault == "gated":
            return self._refuse(403, "GatedRepo")
        if fault == "500":
            return self._refuse(500, "")
        if data is None:
            known = any(repo == there for there, _ in self.server.files)
            return self._refuse(404, "EntryNotFound" if known else "RepoNotFound")
        digest = hashlib.sha256(data).hexdigest()
        if fault == "corrupt":
            data = bytes([data[0] ^ 1]) + data[1:]
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Linked-Etag", f'"{digest}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if body and fault == "hang up once":
            self.server.fault = ""
            self.wfile.write(data[start : len(data) * 4 // 5])
            self.close_connection = True
        elif body:
            self.wfile.write(data[start:])

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """Run a server until the block ends."""
    with HubServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
