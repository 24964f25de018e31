"""What can be evaluated: our tracker, two baselines, and any tracker from outside.

A tracker from outside is a Python class with a `track` as in `Method`, or a command that reads a folder of frames and
writes a folder of masks (`CommandMethod`). It gets the clicks or the box with which the protocol points at each object,
and the mask that our weights make of them (the paper's "SAM2 + Cutie"); with `--prompt mask` that is the true mask.
"""

from __future__ import annotations

import importlib
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from sam2s.errors import ConfigError, DatasetError
from sam2s.evaluation.baselines import copy_first, warp_by_flow
from sam2s.evaluation.protocols import InteractionLog, point
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.videos import EvalVideo, appearances
from sam2s.formats.folders import list_pictures
from sam2s.masks.palette import label_map, read_label_map, write_label_map
from sam2s.memory import MemoryPolicy
from sam2s.model import Network
from sam2s.session.events import encode_prompt
from sam2s.tracking import Mask, Prompt, Tracker
from sam2s.video import VideoSource

MaskCarrier = Callable[[Iterable[np.ndarray], np.ndarray], Iterator[np.ndarray]]


@dataclass(frozen=True)
class ObjectStart:
    """Where an object begins.

    Attributes:
        frame: index of the frame on which it first appears.
        mask: bool [H, W], what to track.
        prompts: clicks (one `Points` each), a `Box`, or a `Mask`, as they were given.
    """

    frame: int
    mask: np.ndarray
    prompts: tuple[Prompt, ...]


class Method(Protocol):
    """A tracker from outside; the class is made once without arguments, in each process."""

    def track(
        self, frames: Sequence[np.ndarray], starts: Mapping[int, ObjectStart]
    ) -> Iterable[Mapping[int, np.ndarray]]:
        """Track the objects of one video forward.

        Args:
            frames: uint8 [H, W, 3], RGB; each is read from disk when asked for. Whoever looks ahead is not causal.
            starts: where each object begins, by id.

        Returns:
            for every frame in order, masks bool [H, W] by object id; objects that are not seen may be left out.
        """
        ...


class LazyFrames(Sequence[np.ndarray]):
    """The frames of a source, read when asked for; the latest one is kept.

    Attributes:
        last_read: the largest index that was asked for, -1 before any.
    """

    def __init__(self, source: VideoSource) -> None:
        self._source = source
        self._latest: tuple[int, np.ndarray] | None = None
        self.last_read = -1

    def __len__(self) -> int:
        return self._source.length or 0

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        index %= len(self)
        self.last_read = max(self.last_read, index)
        if self._latest is None or self._latest[0] != index:
            self._latest = index, self._source.frame(index).image
        return self._latest[1]


@dataclass(frozen=True)
class MaskPropagationBaseline:
    """A baseline that carries a label map along (`copy_first`, `warp_by_flow`); late objects get a map of their own."""

    carry: MaskCarrier

    def track(
        self, frames: Sequence[np.ndarray], starts: Mapping[int, ObjectStart]
    ) -> Iterator[Mapping[int, np.ndarray]]:
        """Carry the masks on, frame by frame; objects that begin on one frame share a label map."""
        running: list[tuple[list[int], Iterator[np.ndarray]]] = []
        for index, frame in enumerate(frames):
            if new := {object_id: start.mask for object_id, start in starts.items() if start.frame == index}:
                rest = (frames[i] for i in range(index, len(frames)))
                running.append((list(new), self.carry(rest, label_map(new, (frame.shape[0], frame.shape[1])))))
            label_maps = [(ids, next(maps)) for ids, maps in running]
            yield {object_id: labels == object_id for ids, labels in label_maps for object_id in ids}


@dataclass(frozen=True)
class CommandMethod:
    """A program of one's own, started once a video.

    In the command line `{frames}` becomes a folder with `00000.png`, `00001.png`, ...; `{prompts}` a JSON file; `{out}`
    the folder in which it writes `00000.png`, ... with object ids as pixel values. Frames without a file show nothing.
    The JSON holds by object id `{"frame": 0, "mask": "masks/1.png", "prompts": [{"points": ...} or {"box": ...}]}`, the
    mask's path relative to the JSON file.
    """

    line: str

    def track(
        self, frames: Sequence[np.ndarray], starts: Mapping[int, ObjectStart]
    ) -> Iterator[Mapping[int, np.ndarray]]:
        """Write the frames and prompts, run the command, and read its masks.

        Raises:
            DatasetError: the command fails.
        """
        with tempfile.TemporaryDirectory(prefix="sam2s-") as folder:
            root = Path(folder)
            places = {name: root / name for name in ("frames", "masks", "out")}
            for place in places.values():
                place.mkdir()
            for index, frame in enumerate(frames):
                Image.fromarray(frame).save(places["frames"] / f"{index:05}.png", compress_level=1)
            for object_id, start in starts.items():
                write_label_map(places["masks"] / f"{object_id}.png", start.mask.astype(np.uint8))
            prompts = {str(object_id): _plain(object_id, start) for object_id, start in starts.items()}
            (root / "prompts.json").write_text(json.dumps(prompts, indent=1))
            values = {"{frames}": places["frames"], "{prompts}": root / "prompts.json", "{out}": places["out"]}
            self._run(values)
            made = list_pictures(places["out"])
            for index in range(len(frames)):
                path = made.get(f"{index:05}")
                labels = None if path is None else read_label_map(path)
                yield {} if labels is None else {object_id: labels == object_id for object_id in starts}

    def _run(self, values: Mapping[str, Path]) -> None:
        words = shlex.split(self.line)
        for name, path in values.items():
            words = [word.replace(name, str(path)) for word in words]
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError as error:
            raise DatasetError(f"cannot start {self.line!r}: {error}") from error
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
            raise DatasetError(f"{self.line!r} ended with status {done.returncode}: {last[0]}")


def find_method(spec: str) -> Method:
    """Make a method: `copy`, `flow`, `module:Class` or `command:LINE`.

    Raises:
        ConfigError: there is no such thing.
    """
    kind, _, rest = spec.partition(":")
    if spec == "copy":
        return MaskPropagationBaseline(copy_first)
    if spec == "flow":
        return MaskPropagationBaseline(warp_by_flow)
    if kind == "command" and rest:
        missing = [name for name in ("{frames}", "{prompts}", "{out}") if name not in rest]
        if missing:
            raise ConfigError(f"--method {spec!r} does not say where to put {' and '.join(missing)}")
        return CommandMethod(rest)
    if not rest:
        raise ConfigError(f"--method {spec!r} is not one of sam2s, copy, flow, module:Class, command:LINE")
    sys.path.insert(0, str(Path.cwd()))
    try:
        made: Method = getattr(importlib.import_module(kind), rest)()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"--method {spec}: {error}; give module:Class as Python would import it from here") from error
    finally:
        sys.path.remove(str(Path.cwd()))
    return made


def start_all(
    load: Callable[[], Network], video: EvalVideo, protocol: Prompting, interactions: InteractionLog
) -> dict[int, ObjectStart]:
    """Point at every object on its first frame; unless true masks are the prompts, our network `load()` answers."""
    starts: dict[int, ObjectStart] = {}
    first = appearances(video)
    for index in sorted(set(first.values())):
        truth = {object_id: mask for object_id, mask in video.truth(index).items() if first.get(object_id) == index}
        if protocol is Prompting.MASK:
            starts |= {object_id: ObjectStart(index, mask, (Mask(mask),)) for object_id, mask in truth.items()}
            continue
        result, prompts = point(
            Tracker(load(), MemoryPolicy()), video.source.frame(index), truth, protocol, interactions
        )
        starts |= {i: ObjectStart(index, result.objects[i].mask, tuple(prompts[i])) for i in truth}
    return starts


def _plain(object_id: int, start: ObjectStart) -> dict[str, Any]:
    given = [encode_prompt(prompt) for prompt in start.prompts if not isinstance(prompt, Mask)]
    return {"frame": start.frame, "mask": f"masks/{object_id}.png", "prompts": given}
