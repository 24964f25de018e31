"""`sam2s serve`: what the app can do, for programs: its API without its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    target: Annotated[
        Path, typer.Argument(help="A folder of videos, one video, or a workspace that `sam2s track` wrote.")
    ] = Path("."),
    host: Annotated[str, typer.Option(help="Address to listen on; others than loopback demand a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8123,
    weights: Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")] = "micro",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    image_size: Annotated[int | None, typer.Option(help="Side of the network's picture, a multiple of 32.")] = None,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Make a new token; the old one opens nothing.")
    ] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name under which programs may address the server; may be repeated.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate (PEM) to serve https with.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Key (PEM) of the certificate.")] = None,
    max_upload: Annotated[float, typer.Option(min=0.001, help="Largest video that may be uploaded, in GB.")] = 64.0,
) -> None:
    """Serve the app's API without its pages, for robots and other programs.

    The same server, workspaces and rules as `sam2s app`, of which nothing but the pages is left out; the API is
    described at /api/openapi.json.
    """
    from sam2s.app.launch import launch

    launch(
        target,
        host=host,
        port=port,
        weights=weights,
        device=device,
        image_size=image_size,
        browser=False,
        pages=False,
        new_token=new_token,
        allowed_hosts=tuple(allow_host or ()),
        tls_cert=tls_cert,
        tls_key=tls_key,
        max_upload=round(max_upload * 1e9),
    )
