"""What scoring and tracking share about doing work in several processes."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[int, int, str], None]
"""Called with what is done, what there is in all, and what was done last (maybe nothing)."""
