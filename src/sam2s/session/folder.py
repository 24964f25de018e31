"""The folder of a session: what was done in it, and the passes with their snapshots, so that it can be opened again.

log.json                 whose session it is and every act, written at each act
session.json             the propagations, and how many acts the newest snapshot knows of
passN-afterT.safetensors the state of the tracker after a time
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sam2s.errors import OutputError
from sam2s.files import write_atomically
from sam2s.memory import MemoryPolicy

from .events import Event
from .propagation import Propagation

_LOG = "log.json"
_OURS = re.compile(r"(\.(partial|old)-)?(log\.json|session\.json|pass\d+-after-?\d+\.safetensors)")


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What lies in the folder of a session.

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

    @classmethod
    def read(cls, folder: Path) -> SessionRecord:
        """Read a folder.

        Raises:
            OutputError: it holds no session, or a damaged one.
        """
        try:
            record = json.loads((folder / _LOG).read_text())
            policy = MemoryPolicy(**record["policy"])
            log = [Event.from_json(event) for event in record["log"]]
            owner = {"source": record["source"], "stride": record["stride"]}
            saved: dict[str, Any] = {"propagations": [], "events": 0}
            if (folder / "session.json").exists():
                saved = json.loads((folder / "session.json").read_text())
            propagations = [Propagation.from_json(propagation) for propagation in saved["propagations"]]
            return cls(owner, record["network"], policy, log, propagations, int(saved["events"]))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise OutputError(
                f"{folder} holds no session to go on with ({error}); give another output folder"
            ) from error


def check_session_folder(folder: Path) -> None:
    """Refuse a folder in which a session would replace the log of something else.

    Raises:
        OutputError: naming the file.
    """
    log = folder / _LOG
    try:
        ours = not log.exists() or {"source", "policy", "log"} <= set(json.loads(log.read_bytes()))
    except (OSError, ValueError, TypeError):
        ours = False
    if not ours:
        raise OutputError(f"{log} is there and is no log of a session; move it or give another --out")


def remove_session_files(folder: Path) -> None:
    """Remove what a session wrote into its folder, and the folder if it held nothing else."""
    with suppress(OSError):
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name):
                path.unlink()
        folder.rmdir()


def write_events(folder: Path, owner: dict[str, Any], policy: MemoryPolicy, log: list[Event]) -> None:
    """Keep every act; the first one starts the session anew."""
    if len(log) == 1:
        (folder / "session.json").unlink(missing_ok=True)
    events = [event.to_json() for event in log]
    write_atomically(folder / _LOG, json.dumps({**owner, "policy": asdict(policy), "log": events}).encode())


def write_propagations(folder: Path, propagations: list[Propagation], known: int) -> None:
    """Keep the propagations, whose snapshots must be there already; the newest knows of `known` acts."""
    record = {
        "propagations": [propagation.to_json(latest=propagation is propagations[-1]) for propagation in propagations],
        "events": known,
    }
    write_atomically(folder / "session.json", json.dumps(record).encode())
