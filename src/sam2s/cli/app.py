"""`sam2s app`: the annotation app in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sam2s.cli import app_options as flags
from sam2s.cli import options


def app(
    target: flags.Target = Path("."),
    host: flags.Host = "127.0.0.1",
    port: flags.Port = 8123,
    weights: options.Weights = "micro",
    device: options.Device = "auto",
    image_size: options.ImageSize = None,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    new_token: flags.NewToken = False,
    allow_host: flags.AllowHost = None,
    tls_cert: flags.TlsCert = None,
    tls_key: flags.TlsKey = None,
    max_upload: flags.MaxUpload = 64.0,
) -> None:
    """Label a video in the browser: click, propagate, correct, accept, export.

    Serves one folder. All work is stored in workspaces next to the videos, which `sam2s track`, `export` and `score`
    read as well; nothing leaves the machine. If --host is not a loopback address, the server prints an address with a
    token once; also give --tls-cert and --tls-key then, since tokens and images are sent unencrypted otherwise.
    """
    from sam2s.app.launch import launch

    launch(
        target,
        host=host,
        port=port,
        weights=weights,
        device=device,
        image_size=image_size,
        browser=browser,
        new_token=new_token,
        allowed_hosts=tuple(allow_host or ()),
        tls_cert=tls_cert,
        tls_key=tls_key,
        max_upload=round(max_upload * 1e9),
    )
