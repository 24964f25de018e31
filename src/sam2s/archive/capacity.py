"""What an archive of so many hours needs: machines, days and disk, from figures measured on one machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MeasuredCosts:
    """What one worker was measured to cost.

    Attributes:
        frame_seconds: seconds of one worker for each frame of video, decoding and storing included.
        frame_bytes: bytes on disk for each frame.
        start_seconds: seconds from the start of a worker to its first frame.
        workers: workers on the machine while it was measured.
    """

    frame_seconds: float
    frame_bytes: float
    start_seconds: float
    workers: int


@dataclass(frozen=True)
class CapacityRow:
    """What an archive needs.

    Attributes:
        hours: of video.
        machine_days: days of one machine such as the measured one.
        machines: machines to be done within `within_days`.
        within_days: the time allowed.
        disk_gigabytes: of all workspaces.
    """

    hours: float
    machine_days: float
    machines: int
    within_days: float
    disk_gigabytes: float


def capacity(
    costs: MeasuredCosts,
    hours: float,
    *,
    fps: float = 25.0,
    stride: int = 1,
    hours_per_video: float = 1.0,
    within_days: float = 7.0,
    overhead: float = 1.0,
) -> CapacityRow:
    """Work out what an archive needs.

    Args:
        costs: measured on one machine.
        hours: of video.
        fps: frames a second of the videos.
        stride: only every n-th frame is tracked.
        hours_per_video: length of one video, which decides how often a worker opens one.
        within_days: the time allowed.
        overhead: time over the ideal, for failures and uneven ends; see `sam2s.archive.simulation`.
    """
    frames = hours * 3600 * fps / stride
    seconds = frames * costs.frame_seconds + hours / hours_per_video * costs.start_seconds
    machine_days = seconds * overhead / costs.workers / 86400
    machines = max(1, -(-int(machine_days * 1e6) // int(within_days * 1e6)))
    return CapacityRow(hours, machine_days, machines, within_days, frames * costs.frame_bytes / 1e9)
