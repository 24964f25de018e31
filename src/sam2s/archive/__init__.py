"""Archives: many videos, each with its prompts, on the processes of one machine or on a Ray cluster."""

from .driver import ArchiveProgress, run_archive
from .engine import Ended, Engine, Progress, Task, WorkerSettings
from .faults import Fault
from .jobs import Job, read_jobs
from .local_engine import LocalEngine
from .manifest import JobState, JobStatus, Manifest
from .report import ArchiveReport
from .scheduler import RetryPolicy, Scheduler

__all__ = [
    "ArchiveProgress",
    "ArchiveReport",
    "Ended",
    "Engine",
    "Fault",
    "Job",
    "JobState",
    "JobStatus",
    "LocalEngine",
    "Manifest",
    "Progress",
    "RetryPolicy",
    "Scheduler",
    "Task",
    "WorkerSettings",
    "read_jobs",
    "run_archive",
]
