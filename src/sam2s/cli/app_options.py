"""The flags that `sam2s app` and `sam2s serve` share."""

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[Path, typer.Argument(help="A folder of videos, one video, or a workspace that `sam2s track` wrote.")]
Host = Annotated[str, typer.Option(help="Address to listen on; others than loopback demand a token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
Weights = Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
ImageSize = Annotated[int | None, typer.Option(help="Side of the network's picture, a multiple of 32.")]
NewToken = Annotated[bool, typer.Option("--new-token", help="Make a new token; the old one opens nothing.")]
AllowHost = Annotated[
    list[str] | None, typer.Option(help="A name under which the server may be addressed; may be repeated.")
]
TlsCert = Annotated[Path | None, typer.Option(help="Certificate (PEM) to serve https with.")]
TlsKey = Annotated[Path | None, typer.Option(help="Key (PEM) of the certificate.")]
MaxUpload = Annotated[float, typer.Option(min=0.001, help="Largest video that may be uploaded, in GB.")]
