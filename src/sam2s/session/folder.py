"""The folder of a session: what was done in it, and its propagations with their snapshots, to open it again.

session.json            whose session it is, every act, and the propagations; with a checksum, written at each act
pN-afterT.snapshot      the state after a time of propagation N
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
    """What lies in the folder of a session beside the snapshots.

    Attributes:
        owner: fingerprint of the video, and the stride.
        network: digest of the network that tracked.
        policy: what objects remember.
        events: every act, in order.
        propagations: up to the newest snapshot.
        known: how many acts that snapshot knows of; those after it have to be done again.
    """

    owner: dict[str, Any]
    network: str
    policy: MemoryPolicy
    events: list[Event]
    propagations: list[Propagation]
    known: int

    def write(self, folder: Path) -> None:
        """Write it; the snapshots that it names must be there already."""
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
        """Read it from a folder.

        Raises:
            OutputError: the folder holds no session, or a damaged record of one.
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
                f"{folder} holds no session to go on with ({error}); give another output folder"
            ) from error

    def check_owner(self, folder: Path, owner: dict[str, Any], network: str, video: str) -> None:
        """Refuse to go on with another video or another network.

        Raises:
            OutputError: naming the folder.
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
    """Refuse a folder in which a session would replace the file of something else.

    Raises:
        OutputError: naming the file.
    """
    record = folder / RECORD
    try:
        ours = not record.exists() or {"session", "sha256"} <= set(json.loads(record.read_bytes()))
    except (OSError, ValueError, TypeError):
        ours = False
    if not ours:
        raise OutputError(f"{record} is there and is not a record of a session; move it or give another --out")


def remove_session_files(folder: Path) -> None:
    """Remove what a session wrote into its folder, and the folder if it held nothing else."""
    with suppress(OSError):
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name):
                path.unlink()
        folder.rmdir()


class TemporaryFolder:
    """A folder that goes with its owner, in the process that made it; a forked child leaves it alone."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="sam2s-"))
        self.remove = weakref.finalize(self, _remove_own, str(self.path), os.getpid())


def _remove_own(path: str, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(path, ignore_errors=True)
