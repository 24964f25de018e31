"""Every error a user of SAM2S can meet.

A message names the thing, the value it had, what is allowed, and the flag or call that mends it. Programming errors
(a broken invariant of ours) stay plain `AssertionError` or `RuntimeError`.
"""


class Sam2sError(Exception):
    """Base of all errors raised on purpose; the command line prints it in one line and exits with status 2."""


class ConfigError(Sam2sError, ValueError):
    """A setting has a value that cannot work, or does not exist."""


class CheckpointError(Sam2sError):
    """Weights are missing, damaged, or do not belong to the network they were loaded into."""


class PromptError(Sam2sError, ValueError):
    """A click, box or mask cannot be used: outside the frame, empty, wrong size, unknown object."""


class SourceError(Sam2sError):
    """A video, stream or folder of images cannot be opened or read."""


class TruncatedSourceError(SourceError):
    """Raised after the last good frame of a damaged video; every earlier frame has been delivered."""


class DatasetError(Sam2sError):
    """A dataset on disk is not laid out, encoded or annotated as it should be."""


class PictureError(SourceError, DatasetError, PromptError):
    """A picture file of a video, a dataset or a prompt is missing, damaged, or of a kind that cannot be used."""


class LimitError(SourceError, DatasetError, PromptError):
    """A picture, video or mask declares more pixels than the limit allows (`sam2s --max-pixels`)."""


class OutputError(Sam2sError):
    """Results cannot be written, or an output folder belongs to another video."""


class HandWorkError(OutputError):
    """An output folder holds work of people that would be lost."""


class ClusterError(ConfigError):
    """A Ray cluster does not answer, or was lost."""


class WorkspaceError(OutputError):
    """A file is not a workspace, or one of another sam2s, or an act in it is not possible."""


class DamagedWorkspaceError(WorkspaceError):
    """A workspace lost or changed what was written into it."""


class WorkspaceInUseError(WorkspaceError):
    """Another process writes to the workspace, or has taken it over."""


class MissingExtraError(Sam2sError, ImportError):
    """An optional dependency is needed for this; the message names the extra to install."""


def missing_extra(need: str, extra: str) -> MissingExtraError:
    """Say what needs which package, and how to install it; `extra` is one of pyproject.toml's."""
    return MissingExtraError(f"{need}; install it in the clone of sam2s with: pip install '.[{extra}]'")
