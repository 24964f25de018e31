"""`sam2s app`: the annotation app in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import app_options as flags


def app(
    target: flags.Target = Path("."),
    host: flags.Host = "127.0.0.1",
    port: flags.Port = 8123,
    weights: flags.Weights = "micro",
    device: flags.Device = "auto",
    image_size: flags.ImageSize = None,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    new_token: flags.NewToken = False,
    allow_host: flags.AllowHost = None,
    tls_cert: flags.TlsCert = None,
    tls_key: flags.TlsKey = None,
    max_upload: flags.MaxUpload = 64.0,
) -> None:
    """Label a video in the browser: click, propagate, correct, accept, export.

    Serves one folder; everything that is done lies in workspaces beside the videos, which `sam2s track`, `export` and
    `score` read as well. Nothing is sent anywhere. On another address than loopback the server prints an address with a
    token once; give --tls-cert and --tls-key there, since the token and the pictures are readable on the way otherwise.
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
