"""From what `--method` says to a tracker."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from sam2s.errors import ConfigError
from sam2s.evaluation.baselines import copy_first, warp_by_flow
from sam2s.evaluation.method import ClassMethod, MaskPropagationBaseline, VideoMethod
from sam2s.evaluation.outside import CommandMethod, ReadyMasks
from sam2s.evaluation.rules import Missing


def find_method(spec: str, missing: Missing = Missing.ERROR) -> VideoMethod:
    """Make a method: `copy`, `flow`, `masks:FOLDER`, `module:Class` or `command:LINE`.

    Args:
        spec: what it is.
        missing: what to do about masks that a command or a folder lacks.

    Raises:
        ConfigError: there is no such thing.
    """
    kind, _, rest = spec.partition(":")
    if spec in ("copy", "flow"):
        return ClassMethod(MaskPropagationBaseline(copy_first if spec == "copy" else warp_by_flow))
    if not rest:
        raise ConfigError(
            f"--method {spec!r} is not one of sam2s, copy, flow, masks:FOLDER, module:Class, command:LINE"
        )
    if kind == "command":
        return CommandMethod(rest, missing)
    if kind == "masks":
        return ReadyMasks(Path(rest).expanduser(), missing)
    sys.path.insert(0, str(Path.cwd()))
    try:
        return ClassMethod(getattr(importlib.import_module(kind), rest)())
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"--method {spec}: {error}; give module:Class as Python would import it from here") from error
    finally:
        sys.path.remove(str(Path.cwd()))
