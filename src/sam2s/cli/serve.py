"""`sam2s serve`: what the app can do, for programs: its API without its pages."""

from __future__ import annotations

from pathlib import Path

from . import app_options as flags


def serve(
    target: flags.Target = Path("."),
    host: flags.Host = "127.0.0.1",
    port: flags.Port = 8123,
    weights: flags.Weights = "micro",
    device: flags.Device = "auto",
    image_size: flags.ImageSize = None,
    new_token: flags.NewToken = False,
    allow_host: flags.AllowHost = None,
    tls_cert: flags.TlsCert = None,
    tls_key: flags.TlsKey = None,
    max_upload: flags.MaxUpload = 64.0,
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
