"""Errors that a user of SAM2S can cause.

A message names the argument or file, its value, what is allowed, and the flag or call that fixes it. Programming errors
(broken invariants) remain plain `AssertionError` or `RuntimeError`.
"""


class Sam2sError(Exception):
    """Base class of all errors of sam2s; the command line prints its message and exits with status 2."""


class ConfigError(Sam2sError, ValueError):
    """A setting has an invalid value, or does not exist."""


class CheckpointError(Sam2sError):
    """Weights are missing, damaged, or do not belong to the network they were loaded into."""


class PromptError(Sam2sError, ValueError):
    """A click, box or mask cannot be used: outside the frame, empty, wrong size, unknown object."""


class SourceError(Sam2sError):
    """A video, stream or folder of images cannot be opened or read."""


class TruncatedSourceError(SourceError):
    """A video is damaged; raised after its last good frame was delivered."""


class DatasetError(Sam2sError):
    """A dataset has an unexpected layout, encoding or annotation."""


class PictureError(SourceError, DatasetError, PromptError):
    """An image file of a video, a dataset or a prompt is missing, damaged, or of an unsupported kind."""


class LimitError(SourceError, DatasetError, PromptError):
    """An image, video or mask has more pixels than the limit (`sam2s --max-pixels`)."""


class OutputError(Sam2sError):
    """Results cannot be written, or an output folder belongs to another video."""


class HandWorkError(OutputError):
    """An output folder contains accepted or corrected masks that would be lost."""


class ClusterError(ConfigError):
    """A Ray cluster cannot be reached, or was lost."""


class WorkspaceError(OutputError):
    """A file is not a workspace that this version of sam2s reads, or an operation on a workspace is not possible."""


class DamagedWorkspaceError(WorkspaceError):
    """A workspace is damaged."""


class WorkspaceInUseError(WorkspaceError):
    """Another process writes to the workspace, or took it over."""


class MissingExtraError(Sam2sError, ImportError):
    """An optional dependency is missing; the message names the extra to install."""


def missing_extra(need: str, extra: str) -> MissingExtraError:
    """Build the error for a missing package; `need` says what needs it, `extra` is an extra of pyproject.toml."""
    return MissingExtraError(f"{need}; install it in the clone of sam2s with: pip install '.[{extra}]'")
