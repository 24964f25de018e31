"""A server on this machine that answers like the Hugging Face hub, for its real client to talk to."""

from __future__ import annotations

import base64
import hashlib
import json
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
        self.objects: dict[str, bytes] = {}  # large files by SHA-256, as they arrive before the commit that names them

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

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"POST {self.path.rpartition('/')[2]}")
        if self.server.fault == "read only":
            return self._refuse(403, "")
        if self.path == "/api/repos/create":
            return self._json(
                {"url": f"{self.server.url}/{json.loads(data)['organization']}/{json.loads(data)['name']}"}
            )
        if self.path == "/api/validate-yaml":  # of the front matter of a card
            return self._json({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            files = [
                {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith("tensors") else "regular"}
                for file in json.loads(data)["files"]
            ]
            return self._json({"files": [{**file, "shouldIgnore": False} for file in files]})
        if self.path.endswith("/info/lfs/objects/batch"):
            wanted = json.loads(data)["objects"]
            action = {"upload": {"href": f"{self.server.url}/lfs/OID"}}
            objects = [
                {**item, "actions": json.loads(json.dumps(action).replace("OID", item["oid"]))} for item in wanted
            ]
            return self._json({"transfer": "basic", "objects": objects})
        repo = self.path.removeprefix("/api/models/").partition("/commit/")[0]
        for line in map(json.loads, data.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.server.files[repo, value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.server.files[repo, value["path"]] = self.server.objects[value["oid"]]
        self._json({"commitUrl": f"{self.server.url}/{repo}/commit/{COMMIT}", "commitOid": COMMIT})

    def do_PUT(self) -> None:
        self.server.objects[self.path.rpartition("/")[2]] = self.rfile.read(int(self.headers["Content-Length"]))
        self._json({})

    def _json(self, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

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
