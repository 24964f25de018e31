"""The command line: one file per verb.

A verb lives in the module of its name: either a function of that name, or a Typer called `app` for a verb with verbs of
its own. These modules import nothing heavy (torch, av, numpy, transformers) outside their functions, so that
`sam2s --help` answers at once.
"""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer
from typer.models import CommandInfo

from sam2s import __version__
from sam2s.errors import Sam2sError
from sam2s.limits import MAX_PIXELS, set_max_pixels

VERBS = (
    "demo",
    "app",
    "serve",
    "track",
    "archive",
    "analyze",
    "events",
    "redact",
    "explain",
    "weights",
    "export",
    "import",
    "workspace",
    "synth",
    "score",
    "eval",
    "quality",
    "sasv",
    "data",
    "train",
    "teach",
    "text-bank",
    "bench",
)

program = typer.Typer(
    help="Click an instrument or organ once in a surgical video and get its mask in every frame.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sam2s {__version__}")
        raise typer.Exit


@program.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Reject images, video frames and masks with more pixels before memory is allocated for them "
            f"[default: {MAX_PIXELS}, or SAM2S_MAX_PIXELS].",
        ),
    ] = None,
) -> None:
    if max_pixels is not None:
        set_max_pixels(max_pixels)


def _reflow(commands: Iterable[CommandInfo]) -> None:
    """Let the help of commands wrap at the terminal's width, not where their docstrings do."""
    for command in commands:
        paragraphs = (inspect.getdoc(command.callback) or "").split("\n\n")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


for _verb in VERBS:
    _name = "import_" if _verb == "import" else _verb.replace("-", "_")
    _module = import_module(f"{__name__}.{_name}")
    _verbs = getattr(_module, "app", None)
    if isinstance(_verbs, typer.Typer):
        _reflow(_verbs.registered_commands)
        program.add_typer(_verbs, name=_verb)
    else:
        program.command(_verb)(getattr(_module, _name))
_reflow(program.registered_commands)
app = program  # after the loop, since importing the verb `app` binds its module to this name


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning of ours as one line for the person who called; others as Python shows them, with their place."""
    if category.__module__.startswith("sam2s."):
        return f"warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"


def main() -> None:
    """Entry point: errors of ours are one line on standard error and exit status 2; Ctrl-C is 130."""
    # Threads of torch that spin while they wait would take the CPU from the decoder and from other programs.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.formatwarning = _format_warning
    try:
        program()
    except Sam2sError as error:
        print(f"sam2s: {error}", file=sys.stderr)
        sys.exit(2)
