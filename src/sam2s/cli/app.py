"""`sam2s app`: the annotation app in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def app(
    target: Annotated[
        Path, typer.Argument(help="A folder of videos, one video, or a workspace that `sam2s track` wrote.")
    ] = Path("."),
    host: Annotated[str, typer.Option(help="Address to listen on; others than loopback demand a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8123,
    weights: Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")] = "micro",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    image_size: Annotated[int | None, typer.Option(help="Side of the network's picture, a multiple of 32.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Make a new token; the old one opens nothing.")
    ] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name under which browsers may address the server; may be repeated.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate (PEM) to serve https with.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Key (PEM) of the certificate.")] = None,
    max_upload: Annotated[float, typer.Option(min=0.001, help="Largest video that may be uploaded, in GB.")] = 64.0,
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
