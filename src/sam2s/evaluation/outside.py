"""Trackers that are no part of this process: programs of one's own, and masks that are there already."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sam2s.errors import ConfigError, DatasetError
from sam2s.evaluation.compare import open_masks
from sam2s.evaluation.maskset import LabelMaps, VideoMasks, frame_key, mask_files
from sam2s.evaluation.method import LazyFrames, ObjectStart
from sam2s.evaluation.outside_masks import OutsideMasks, find_video
from sam2s.evaluation.rules import Missing
from sam2s.evaluation.videos import EvalVideo, appearances
from sam2s.files import walk_folders
from sam2s.masks.palette import write_label_map
from sam2s.session.events import encode_prompt
from sam2s.tracking import Mask

_SAID = 300  # characters of a program's last line that go into a message


@dataclass(frozen=True)
class CommandMethod:
    """A program of one's own, started once a video.

    In the command line `{frames}` becomes a folder with `00000.png`, `00001.png`, ...; `{prompts}` a JSON file; `{out}`
    the folder in which it writes `00000.png`, ... with object ids as pixel values; `{video}` the name of the video.
    What a command line does not name is not written. The JSON holds by object id `{"frame": 0, "mask": "masks/1.png",
    "prompts": [{"points": ...} or {"box": ...}]}`, the mask's path relative to the JSON file.
    """

    line: str
    missing: Missing = Missing.ERROR

    def __post_init__(self) -> None:
        """Check that the command can read and write something.

        Raises:
            ConfigError: it names no place for its masks, or nothing to read.
        """
        if "{out}" not in self.line:
            raise ConfigError(f"--method 'command:{self.line}' does not say where to put {{out}}, the folder of masks")
        if "{frames}" not in self.line and "{video}" not in self.line:
            raise ConfigError(f"--method 'command:{self.line}' says neither where to put {{frames}} nor {{video}}")
        try:
            shlex.split(self.line)
        except ValueError as error:
            raise ConfigError(f"--method 'command:{self.line}' cannot be read as a command line: {error}") from error

    def track_video(
        self, video: EvalVideo, frames: LazyFrames, starts: Mapping[int, ObjectStart], notes: list[str]
    ) -> Iterator[Mapping[int, np.ndarray]]:
        """Write the frames and prompts, run the command, and read its masks.

        Raises:
            DatasetError: the command fails, or what it wrote cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="sam2s-") as folder:
            root = Path(folder)
            out = root / "out"
            out.mkdir()
            values = {"{out}": str(out), "{video}": video.name, **self._write_inputs(root, frames, starts)}
            self._run(values)
            begin = min((start.frame for start in starts.values()), default=len(frames))
            masks = OutsideMasks(self._masks_in(out), Path("{out}"), starts.keys())
            keys = [str(index) for index in range(len(frames))]
            mend = "write the mask of frame 0 as 00000.png"
            masks.check_frames(keys[begin:], self.missing, mend)
            notes += [note.replace(f"{out}/", "") for note in masks.notes]
            yield from (masks.read(key) for key in keys)

    def _write_inputs(self, root: Path, frames: LazyFrames, starts: Mapping[int, ObjectStart]) -> dict[str, str]:
        values: dict[str, str] = {}
        if "{frames}" in self.line:
            folder = root / "frames"
            folder.mkdir()
            for index, frame in enumerate(frames):
                Image.fromarray(frame).save(folder / f"{index:05}.png", compress_level=1)
            values["{frames}"] = str(folder)
        if "{prompts}" in self.line:
            for object_id, start in starts.items():
                write_label_map(root / "masks" / f"{object_id}.png", start.mask.astype(np.uint8))
            prompts = {str(object_id): _prompt_entry(object_id, start) for object_id, start in starts.items()}
            (root / "prompts.json").write_text(json.dumps(prompts, indent=1))
            values["{prompts}"] = str(root / "prompts.json")
        return values

    def _run(self, values: Mapping[str, str]) -> None:
        words = shlex.split(self.line)
        for name, value in values.items():
            words = [word.replace(name, value) for word in words]
        try:
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            raise DatasetError(f"cannot start {self.line!r}: {error}") from error
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
            raise DatasetError(f"{self.line!r} ended with status {done.returncode}: {last[0][:_SAID]}")

    def _masks_in(self, out: Path) -> LabelMaps:
        """What the command wrote: pictures in the folder itself, or in the only folder below that holds any."""
        folders = [folder for folder in walk_folders(out) if mask_files(folder)]
        if len(folders) == 1:
            return LabelMaps(mask_files(folders[0]))
        if folders:
            names = ", ".join(folder.relative_to(out).as_posix() for folder in folders[:3])
            raise DatasetError(f"{self.line!r} wrote masks into {len(folders)} folders ({names}); write label images")
        others = ", ".join(sorted(entry.name for entry in out.iterdir())[:3]) or "nothing"
        raise DatasetError(f"{self.line!r} wrote no picture into {{out}}, which holds {others}")


@dataclass(frozen=True)
class ReadyMasks:
    """Masks that are there already, whoever made them: any form that `sam2s score` reads, by name of the video."""

    place: Path
    missing: Missing = Missing.ERROR

    @cached_property
    def videos(self) -> dict[str, VideoMasks]:
        """Masks by the name under which they lie.

        Raises:
            ConfigError: there is no such place.
            DatasetError: it holds no masks.
        """
        if not self.place.exists():
            raise ConfigError(f"--method masks:{self.place} does not exist; give a folder of masks or a .json file")
        return open_masks(self.place)

    def track_video(
        self, video: EvalVideo, frames: LazyFrames, starts: Mapping[int, ObjectStart], notes: list[str]
    ) -> Iterator[Mapping[int, np.ndarray]]:
        """Read the masks of the video.

        Raises:
            DatasetError: there are none, or they cannot be read.
        """
        name = find_video(self.videos, video.name)
        if name is None:
            there = ", ".join(list(self.videos)[:3])
            raise DatasetError(f"{self.place} has no masks of video {video.name}; it has those of {there}")
        masks = OutsideMasks(self.videos[name], self.place / name, video.objects.keys())
        keys = [frame_key(stem) for stem in video.stems]
        first = appearances(video)
        begin = min(first.values(), default=len(keys))
        annotated = [key for index, key in enumerate(keys) if index >= begin and video.truth(index)]
        masks.check_frames(annotated, self.missing, f"name the masks after the frames of {video.name}")
        notes += masks.notes
        yield from (masks.read(key) for key in keys)


def _prompt_entry(object_id: int, start: ObjectStart) -> dict[str, Any]:
    given = [encode_prompt(prompt) for prompt in start.prompts if not isinstance(prompt, Mask)]
    return {"frame": start.frame, "mask": f"masks/{object_id}.png", "prompts": given}
