"""`sam2s serve`: the HTTP API of the app, for other programs."""

from __future__ import annotations

from pathlib import Path

from sam2s.cli import app_options as flags
from sam2s.cli import options


def serve(
    target: flags.Target = Path("."),
    host: flags.Host = "127.0.0.1",
    port: flags.Port = 8123,
    weights: options.Weights = "micro",
    device: options.Device = "auto",
    image_size: options.ImageSize = None,
    new_token: flags.NewToken = False,
    allow_host: flags.AllowHost = None,
    tls_cert: flags.TlsCert = None,
    tls_key: flags.TlsKey = None,
    max_upload: flags.MaxUpload = 64.0,
) -> None:
    """Serve the HTTP API of `sam2s app` without its pages, for robots and other programs.

    The API is described at /api/openapi.json.
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
