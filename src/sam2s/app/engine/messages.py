"""Notices between server and tracking process: lines of JSON, nothing that the workspace does not hold better."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

Do = Literal["prompt", "propagate", "stop", "look", "close"]


@dataclass(frozen=True, slots=True)
class Order:
    """What the server asks for.

    Attributes:
        do: answer the prompts of an event; run the propagation of an event; stop it; make a frame ready, since somebody
            looks at it; let go of a workspace.
        workspace: folder of the workspace.
        video: the video.
        owner: shared right to write, see `Workspace.open`.
        event_id: the event in the workspace that says everything else.
        frame: for `look`.
        user: whose it is; the device is shared between users.
    """

    do: Do
    workspace: str
    video: str = ""
    owner: str = ""
    event_id: int = 0
    frame: int = 0
    user: str = ""

    def to_line(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Order:
        """Read what `to_line` wrote."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Report:
    """What the tracking process says.

    Attributes:
        kind: "ready" (the weights are loaded; `detail` says which), "answered" (a prompt), "progress", "ended" (a
            propagation: `state` says how) or "failed" (`message` says why).
        workspace, event_id: what it is about.
        frame: the frame reached.
        done, total: frames of a propagation.
        state: "running", "waiting", "done", "stopped" or "failed".
        message: for people.
        queue: propagations that share the device at the moment.
        seconds: time that an answer took, and the encoder's part of it in `detail`.
        detail: anything else.
    """

    kind: Literal["ready", "answered", "progress", "ended", "failed"]
    workspace: str = ""
    event_id: int = 0
    frame: int = 0
    done: int = 0
    total: int = 0
    state: str = ""
    message: str = ""
    queue: int = 0
    seconds: float = 0.0
    detail: dict[str, Any] | None = None

    def to_line(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Report:
        """Read what `to_line` wrote."""
        return cls(**json.loads(line))
