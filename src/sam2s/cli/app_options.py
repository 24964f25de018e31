"""Flags that `sam2s app` and `sam2s serve` share."""

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[Path, typer.Argument(help="Folder of videos, video, or workspace of `sam2s track`.")]
Host = Annotated[str, typer.Option(help="Address to listen on; a token is required unless it is loopback.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")]
NewToken = Annotated[bool, typer.Option("--new-token", help="Create a new token and invalidate the old one.")]
AllowHost = Annotated[
    list[str] | None, typer.Option(help="Host name under which the server may be addressed; may be repeated.")
]
TlsCert = Annotated[Path | None, typer.Option(help="Certificate (PEM) for https.")]
TlsKey = Annotated[Path | None, typer.Option(help="Key (PEM) of the certificate.")]
MaxUpload = Annotated[float, typer.Option(min=0.001, help="Largest video that may be uploaded, in GB.")]
