"""What is to be evaluated: the rows of the tables, and the settings that they share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sam2s.errors import ConfigError
from sam2s.evaluation.rules import Prompting
from sam2s.memory import MemoryPolicy

OURS = "sam2s"


@dataclass(frozen=True)
class EvalRun:
    """One row of the tables under one protocol.

    Attributes:
        label: name of the row.
        method: `sam2s`, or a method of `method.py`.
        prompt: the protocol.
        memory: what our tracker remembers; of no meaning for other methods.
    """

    label: str
    method: str
    prompt: Prompting
    memory: Literal["divemem", "sam2"] = "divemem"

    @property
    def folder(self) -> str:
        """Its folder below OUT."""
        return re.sub(r"[^\w.+-]+", "-", f"{self.label} {self.prompt}")

    @property
    def uses_weights(self) -> bool:
        """Whether our network is needed: for tracking, or for the masks that other methods start from."""
        return self.method == OURS or self.prompt is not Prompting.MASK


@dataclass(frozen=True)
class EvalSettings:
    """What all runs share; as for `sam2s.load`.

    `rounds` is the most prompted frames of an interactive protocol, `confidence` the predicted IoU above which DiveMem
    may remember a frame (the paper's gamma), `probe` whether black frames and those of another scene are tried too.
    """

    weights: str = "micro"
    image_size: int | None = None
    device: str = "auto"
    precision: str = "auto"
    rounds: int = 8
    confidence: float | None = None
    probe: bool = True


def plan_runs(
    methods: Sequence[str], memories: Sequence[str], prompts: Sequence[Prompting], weights: str
) -> list[EvalRun]:
    """Make the runs out of what was asked for.

    Raises:
        ConfigError: an unknown memory, or two runs of one name.
    """
    runs = []
    for text in methods:
        head, equals, tail = text.partition("=")
        named = bool(equals) and not set(head) & set(": /{")
        name, spec = (head, tail) if named else (_short(text, weights), text)
        for memory in dict.fromkeys(memories) if spec == OURS else ("divemem",):
            MemoryPolicy(kind=memory)  # type: ignore[arg-type]  # checks it
            label = f"{name} {memory}" if spec == OURS else name
            runs += [EvalRun(label, spec, protocol, memory) for protocol in dict.fromkeys(prompts)]  # type: ignore[arg-type]
    folders = [run.folder for run in runs]
    if repeated := [run.label for run in runs if folders.count(run.folder) > 1]:
        raise ConfigError(f"two methods are called {repeated[0]!r}; name them: --method NAME=...")
    return runs


def parse_shard(text: str) -> tuple[int, int]:
    """Read `I/N`: the number of this part, and of all parts.

    Raises:
        ConfigError: it is not of that form, or I is not below N.
    """
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise ConfigError(f"--shard {text} is not I/N with I from 0 to N - 1, such as 0/4")
    return int(part), int(parts)


def _short(spec: str, weights: str) -> str:
    return Path(weights).name if spec == OURS else "command" if spec.startswith("command:") else spec
