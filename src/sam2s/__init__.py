"""SAM2S: click once in a surgical video, get the mask in every frame."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .loading import load

__version__ = "0.1.0"

# Looked up on first use, so that `import sam2s` and the command line start without torch.
_HOMES = {"load": "sam2s.loading"}

__all__ = ["__version__", "load"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'sam2s' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
