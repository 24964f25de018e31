"""The folder of a session: its actions, and its propagations with their snapshots, so that it can be reopened.

session.json            owner, actions and propagations, with a checksum; written at each action
pN-afterT.snapshot      the state after time T of propagation N
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import weakref
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sam2s.errors import OutputError
from sam2s.files import write_atomically
from sam2s.memory import MemoryPolicy

from .events import Event
from .propagation import Propagation

RECORD = "session.json"
_OURS = re.compile(r"(\.(partial|old)-)?(session\.json|p\d+-after-?\d+\.snapshot)")


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """The record `session.json` of a session.

    Attributes:
        owner: fingerprint of the video, and the stride.
        network: digest of the network.
        policy: the memory policy.
        events: all actions, in order.
        propagations: up to the newest snapshot.
        known: number of actions included in that snapshot; later ones have to be repeated.
    """

    owner: dict[str, Any]
    network: str
    policy: MemoryPolicy
    events: list[Event]
    propagations: list[Propagation]
    known: int

    def write(self, folder: Path) -> None:
        """Write the record; the snapshots that it names must exist."""
        latest = self.propagations[-1:]
        content = {
            "owner": self.owner,
            "network": self.network,
            "policy": asdict(self.policy),
            "events": [event.to_json() for event in self.events],
            "propagations": [p.to_json() for p in self.propagations[:-1]] + [p.saved().to_json() for p in latest],
            "known": self.known,
        }
        write_atomically(folder / RECORD, json.dumps({"session": content, "sha256": _checksum(content)}).encode())

    @classmethod
    def read(cls, folder: Path) -> SessionRecord:
        """Read the record from a folder.

        Raises:
            OutputError: the folder has no session, or its record is damaged.
        """
        try:
            stored = json.loads((folder / RECORD).read_bytes())
            content = stored["session"]
            if stored["sha256"] != _checksum(content):
                raise ValueError(f"the checksum of {RECORD} differs")
            return cls(
                content["owner"],
                content["network"],
                MemoryPolicy(**content["policy"]),
                [Event.from_json(event) for event in content["events"]],
                [Propagation.from_json(propagation) for propagation in content["propagations"]],
                int(content["known"]),
            )
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise OutputError(
                f"{folder} has no session that can be resumed ({error}); give another output folder"
            ) from error

    def check_owner(self, folder: Path, owner: dict[str, Any], network: str, video: str) -> None:
        """Check that the session belongs to this video and network.

        Raises:
            OutputError: it does not; the message names the folder.
        """
        if self.owner != owner:
            raise OutputError(f"{folder} belongs to another video than {video}, or another stride; give another folder")
        if self.network != network:
            raise OutputError(
                f"{folder} was begun with another network: other weights, image size or precision; give the same one, "
                "or another folder"
            )


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_session_folder(folder: Path) -> None:
    """Check that a session would not replace a foreign file in a folder.

    Raises:
        OutputError: it would; the message names the file.
    """
    record = folder / RECORD
    try:
        ours = not record.exists() or {"session", "sha256"} <= set(json.loads(record.read_bytes()))
    except (OSError, ValueError, TypeError):
        ours = False
    if not ours:
        raise OutputError(f"{record} is there and is not a record of a session; move it or give another --out")


def remove_session_files(folder: Path) -> None:
    """Remove the files of a session from its folder, and the folder if it is then empty."""
    with suppress(OSError):
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name):
                path.unlink()
        folder.rmdir()


class TemporaryFolder:
    """A temporary folder that is removed with its owner, but only by the process that created it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="sam2s-"))
        self.remove = weakref.finalize(self, _remove_own, str(self.path), os.getpid())


def _remove_own(path: str, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(path, ignore_errors=True)
