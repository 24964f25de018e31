"""Starting a server: what is served, under which address, with which token."""

from __future__ import annotations

import socket
import threading
import time
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Any

from sam2s.app.access import make_token
from sam2s.app.settings import AppLimits, AppSettings
from sam2s.errors import ConfigError, OutputError, SourceError, missing_extra
from sam2s.files import cannot_write
from sam2s.workspace import FILE, Workspace


def launch(
    target: Path, *, browser: bool, new_token: bool, max_upload: int, host: str, port: int, **settings: Any
) -> None:
    """Serve until interrupted.

    Raises:
        ConfigError: a flag cannot work.
        SourceError: there is nothing at the target.
        MissingExtraError: the extra is not installed.
    """
    try:
        import uvicorn

        from sam2s.app.server import create_app
    except ImportError as error:
        raise missing_extra(f"the app needs {error.name}", "app") from error
    folder, video = served(target)
    if (settings["tls_cert"] is None) != (settings["tls_key"] is None):
        raise ConfigError("--tls-cert and --tls-key belong together; give both or neither")
    for flag in ("tls_cert", "tls_key"):
        if settings[flag] is not None and not settings[flag].is_file():
            raise ConfigError(f"--{flag.replace('_', '-')} {settings[flag]} is not there")
    limits = replace(AppLimits(), upload_bytes=max_upload)
    listening = listen(host, port)
    port = listening.getsockname()[1]
    made = AppSettings(folder=folder, host=host, port=port, limits=limits, **settings)
    token = None
    if not made.on_loopback:
        token, token_hash = _token(folder, new_token)
        made = replace(made, token_hash=token_hash)
    app = create_app(made)
    page = "" if video is None or not made.pages else f"work/{app.state.context.library.entry_of(video).id}"
    address = _address(made, page)
    _say(made, address, token)
    if browser and made.on_loopback:
        threading.Thread(target=_open_browser, args=(address, port), daemon=True).start()
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ssl_certfile=str(made.tls_cert) if made.tls_cert else None,
        ssl_keyfile=str(made.tls_key) if made.tls_key else None,
        ws_max_size=1 << 16,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listening])


def served(target: Path) -> tuple[Path, Path | None]:
    """The folder to serve and the video to open, of what the command line was given.

    Raises:
        SourceError: there is nothing, or a workspace whose video is gone.
    """
    path = target.expanduser().resolve()
    if not path.exists():
        raise SourceError(f"{target}: no such file or folder; give a folder of videos, a video, or a workspace")
    if path.name == FILE:
        path = path.parent
    if path.is_dir() and (path / FILE).exists():
        with Workspace.open(path) as workspace:
            noted = Path(workspace.video.path or workspace.video.name)
        for candidate in (noted, path.parent / noted.name, path.parent.parent / noted.name):
            if candidate.exists():
                return _common(path, candidate.resolve()), candidate.resolve()
        raise SourceError(f"the video of {target}, {noted}, is not there any more; put it back or beside the workspace")
    return (path, None) if path.is_dir() else (path.parent, path)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConfigError: the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)  # who comes before the server is ready waits
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConfigError(
            f"cannot listen on {host} port {port} ({getattr(error, 'strerror', None) or error}); "
            "choose another --port, or 0 for a free one, or another --host"
        ) from error
    return listening


def _common(workspace: Path, video: Path) -> Path:
    """The nearest folder above both a workspace and its video."""
    for parent in (video.parent, *video.parents):
        if parent in workspace.parents or parent == workspace:
            return parent
    return video.parent


def _token(folder: Path, renew: bool) -> tuple[str | None, str]:
    try:
        return make_token(folder, renew=renew)
    except OutputError:
        raise
    except OSError as error:
        raise cannot_write(folder / ".sam2s", error) from error


def _address(settings: AppSettings, page: str) -> str:
    host = settings.host
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{host}:{settings.port}/{page}"


def _say(settings: AppSettings, address: str, token: str | None) -> None:
    if not settings.pages:
        address += "api/openapi.json"
    if settings.on_loopback:
        print(f"open {address}", flush=True)
    elif token is not None:
        print(f"open {address}?token={token}", flush=True)
        print("This address is shown once; only its hash is stored. --new-token makes another.", flush=True)
    else:
        print(f"open {address} (the token printed at the first start holds; --new-token makes another)", flush=True)
    if not settings.on_loopback and settings.tls_cert is None:
        print("Without --tls-cert and --tls-key others on the network can read what is sent.", flush=True)
    if settings.weights == "micro":
        print("The micro weights are a demonstration; for real video: --weights sam2.1-tiny (`sam2s weights list`).")
    print("Ctrl-C ends the server; everything that was done is saved.", flush=True)


def _open_browser(address: str, port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            break
        except OSError:
            time.sleep(0.1)
    webbrowser.open(address)
