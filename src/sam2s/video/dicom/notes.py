"""What is told of a DICOM recording when it is opened."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def note_count(path: Path, attributes: dict[str, Any], count: int) -> None:
    """Tell that the pixel data hold another number of frames than the data set says."""
    declared = attributes.get("NumberOfFrames", 1)
    if declared != count:
        log.warning("%s: says it holds %d frames, and holds %d, which are read", path, declared, count)


def note_annotations(path: Path, attributes: dict[str, Any]) -> None:
    """Tell that text is burned into the pictures, or that overlays are left out."""
    if attributes.get("BurnedInAnnotation") == "YES":
        log.warning(
            "%s: says that text is burned into its pictures (BurnedInAnnotation YES); it stays visible in overlays and "
            "other exports of pictures, and may name a person",
            path,
        )
    if overlays := sum(name.startswith("OverlayRows") for name in attributes):
        log.warning("%s: has %d overlay planes (group 60xx), which are not drawn into the frames", path, overlays)
