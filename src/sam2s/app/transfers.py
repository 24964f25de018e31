"""Formats of others, by the names under which the API takes them."""

from __future__ import annotations

EXPORT_FORMATS: dict[str, str] = {}
"""What can be written: format and what it is."""
IMPORT_FORMATS: dict[str, str] = {}
"""What can be read."""
