"""Archives: many videos, each with its prompts, on the processes of one machine or on a Ray cluster."""

from .driver import ArchiveProgress, run_archive
from .engine import ArchiveEngine, Attempt, Ended, Progress, WorkerSettings
from .faults import Fault
from .jobs import ArchiveJob, read_jobs
from .local_engine import LocalEngine
from .manifest import JobState, JobStatus, Manifest
from .report import ArchiveReport
from .scheduler import JobScheduler, RetryPolicy

__all__ = [
    "ArchiveEngine",
    "ArchiveJob",
    "ArchiveProgress",
    "ArchiveReport",
    "Attempt",
    "Ended",
    "Fault",
    "JobScheduler",
    "JobState",
    "JobStatus",
    "LocalEngine",
    "Manifest",
    "Progress",
    "RetryPolicy",
    "WorkerSettings",
    "read_jobs",
    "run_archive",
]
