"""What is to be evaluated: the rows of the tables, and the settings that they share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2s.errors import ConfigError
from sam2s.evaluation.rules import Missing, Prompting
from sam2s.memory import memory_policy
from sam2s.tracking.settings import Batching, check_batching

OURS = "sam2s"
_PLAIN_NAMES = ("weights", "model", "best", "last", "final", "checkpoint")  # of files that say nothing of their run


@dataclass(frozen=True)
class EvalRun:
    """One row of the tables under one protocol.

    Attributes:
        label: name of the row.
        method: `sam2s`, or a method of `method.py`.
        prompt: the protocol.
        memory: what our tracker remembers, one of `sam2s.memory.MEMORIES`; of no meaning for other methods.
        weights: the network that tracks, or whose first masks other methods start from; a name or a path.
    """

    label: str
    method: str
    prompt: Prompting
    memory: str = "divemem"
    weights: str = "micro"

    @property
    def folder(self) -> str:
        """Its folder below OUT."""
        return re.sub(r"[^\w.+-]+", "-", f"{self.label} {self.prompt}")

    @property
    def uses_weights(self) -> bool:
        """Whether our network is needed: for tracking, or for the masks that other methods start from."""
        return self.method == OURS or (self.prompt is not Prompting.MASK and not self.method.startswith("masks:"))


@dataclass(frozen=True)
class EvalSettings:
    """What all runs share; as for `sam2s.load`.

    `rounds` is the most prompted frames of an interactive protocol, `confidence` the predicted IoU above which DiveMem
    may remember a frame (the paper's gamma), `probe` whether black frames and those of another scene are tried too,
    `missing` what to do about masks that a program or a folder of masks lacks, `events` whether frames on which an
    event hides the scene are passed without judging objects, `batched` which objects go through the network together
    (`sam2s.tracking.settings.Batching`).
    """

    image_size: int | None = None
    device: str = "auto"
    precision: str = "auto"
    rounds: int = 8
    confidence: float | None = None
    probe: bool = True
    missing: Missing = Missing.ERROR
    events: bool = False
    batched: Batching = "auto"

    def __post_init__(self) -> None:
        check_batching(self.batched)


def plan_runs(
    methods: Sequence[str], memories: Sequence[str], prompts: Sequence[Prompting], weights: Sequence[str]
) -> list[EvalRun]:
    """Make the runs out of what was asked for.

    `sam2s` is a row for each of the weights and memories; other methods start from the masks of the first weights. A
    row is called what stands before `=` in its method or its weights.

    Raises:
        ConfigError: an unknown memory, two rows of one name, or one row under two names.
    """
    named_weights = [_split_name(text) for text in dict.fromkeys(weights)]
    rows: dict[tuple[str, str, str], str] = {}  # (method, memory, weights) -> label
    for text in dict.fromkeys(methods):
        name, spec = _split_name(text)
        for row, label in _rows(name, spec, list(dict.fromkeys(memories)), named_weights):
            if rows.setdefault(row, label) != label:
                raise ConfigError(f"{rows[row]!r} and {label!r} are one row under two names; leave one out")
    labels = list(rows.values())
    folders = [EvalRun(label, "", Prompting.MASK).folder for label in labels]
    if repeated := [label for label, folder in zip(labels, folders, strict=True) if folders.count(folder) > 1]:
        raise ConfigError(f"two rows are called {repeated[0]!r}; name them: --method NAME=..., or --weights NAME=...")
    return [
        EvalRun(label, method, protocol, memory, of)
        for (method, memory, of), label in rows.items()
        for protocol in dict.fromkeys(prompts)
    ]


def _rows(
    name: str | None, spec: str, memories: Sequence[str], weights: Sequence[tuple[str | None, str]]
) -> list[tuple[tuple[str, str, str], str]]:
    """The rows that one `--method` makes: method, memory and weights, and the label."""
    if spec != OURS:
        return [((spec, "divemem", weights[0][1]), name or _short_name(spec))]
    rows = []
    for weights_name, path in weights:
        chosen = name if len(weights) == 1 and name else weights_name
        for memory in memories:
            memory_policy(memory)  # checks it
            suffix = f" {memory}" if chosen is None or len(memories) > 1 else ""
            rows.append(((OURS, memory, path), f"{chosen or weights_label(path)}{suffix}"))
    return rows


def weights_label(weights: str) -> str:
    """What a row of these weights is called: the name, the file's stem, or the folder of `weights.safetensors`."""
    path = Path(weights)
    if not path.suffix and not path.is_dir():
        return path.name
    stem = path.stem if path.suffix in (".safetensors", ".pt", ".pth") else path.name
    return path.resolve().parent.name if stem in _PLAIN_NAMES else stem


def parse_shard(text: str) -> tuple[int, int]:
    """Read `I/N`: the number of this part, and of all parts.

    Raises:
        ConfigError: it is not of that form, or I is not below N.
    """
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise ConfigError(f"--shard {text} is not I/N with I from 0 to N - 1, such as 0/4")
    return int(part), int(parts)


def _split_name(text: str) -> tuple[str | None, str]:
    """Take the name off `NAME=SPEC`; an `=` within a path or a command line makes no name."""
    head, equals, tail = text.partition("=")
    if not equals or set(head) & set(":/\\{"):
        return None, text
    if not head.strip() or not tail:
        raise ConfigError(f"{text!r} is not NAME=... with a name and what it names")
    return head.strip(), tail


def _short_name(spec: str) -> str:
    if spec.startswith("masks:"):
        return Path(spec.removeprefix("masks:")).resolve().name
    return "command" if spec.startswith("command:") else spec
