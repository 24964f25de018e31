"""Where a reopened session resumes: at its newest snapshot, or at the newest intact one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from .folder import SessionRecord
from .propagation import Propagation
from .snapshot import DamagedSnapshotError, read_snapshot


def restore_newest(
    record: SessionRecord, folder: Path, device: torch.device, *, recompute: bool
) -> tuple[list[Propagation], int, dict[str, Any] | None]:
    """Restore the newest snapshot.

    Args:
        record: of the session.
        folder: of the session.
        device: of the network.
        recompute: skip damaged snapshots instead of raising an error.

    Returns:
        the remaining propagations, the number of events included, and the state; None if tracking has to start anew.

    Raises:
        DamagedSnapshotError: a snapshot is damaged, and `recompute` is off.
    """
    propagations = record.propagations
    if not propagations:
        return [], 0, None
    if not recompute:
        newest = propagations[-1]
        state = read_snapshot(newest.snapshot_path(folder, newest.snapshots[-1]), device)
        return propagations, record.known, state
    for propagation in propagations:
        propagation.lose([at for at in propagation.snapshots if not _intact(propagation.snapshot_path(folder, at))])
    while propagations and not propagations[-1].snapshots:
        propagations.pop()
    if not propagations:
        return [], 0, None
    newest = propagations[-1] = propagations[-1].saved()
    state = read_snapshot(newest.snapshot_path(folder, newest.snapshots[-1]), device)
    return propagations, state["known"], state


def _intact(path: Path) -> bool:
    try:
        read_snapshot(path, torch.device("cpu"))
    except DamagedSnapshotError:
        return False
    return True
