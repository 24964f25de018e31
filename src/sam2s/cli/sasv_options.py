"""Flags that the verbs of `sam2s sasv` share, and how they print JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Root = Annotated[Path, typer.Option(help="Folder that contains the unpacked downloads at any depth.")]
Built = Annotated[Path, typer.Argument(help="Folder of the built set.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def print_json(data: Any) -> None:
    """Print plain data as JSON."""
    print(json.dumps(data, indent=1))
