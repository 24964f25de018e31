"""The run folder: masks frame by frame in an append-only log that survives a kill and goes on where it stopped.

    run.json      what the run is made of (RunInfo), written whole before the first frame, and the exports made of it
    masks.jsonl   one line a frame, handed to the system at once; a torn last line counts as never written
    state.bin     how far the run is

Nothing grows in memory while frames are added.
"""

from __future__ import annotations

import json
import os
import re
from array import array
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

import numpy as np

from sam2s import __version__
from sam2s.errors import OutputError
from sam2s.files import cannot_write, write_atomically
from sam2s.formats import outputs
from sam2s.formats.records import LINE_START, FrameRecord, from_line, to_line
from sam2s.formats.run_info import RunInfo, differences
from sam2s.tracking.results import FrameResult

try:
    import fcntl
except ImportError:  # Windows: two runs in one folder are not told apart
    fcntl = None  # type: ignore[assignment]

SCHEMA = 1
_HEAD = re.compile(re.escape(LINE_START) + rb"(\d+),")
_MEND = "give another output folder (--out) or start it anew (--overwrite)"


class State(StrEnum):
    """How far a run is."""

    TRACKING = "tracking"
    FINISHED = "finished"


class _Line(NamedTuple):
    frame: int
    start: int
    stop: int


def forget(folder: Path) -> None:
    """Forget the run in a folder, if there is one, and remove its exports.

    Raises:
        OSError: something cannot be removed.
    """
    outputs.remove(folder)
    if (log := folder / "masks.jsonl").exists():
        os.truncate(log, 0)
    for name in ("state.bin", "run.json"):
        (folder / name).unlink(missing_ok=True)


class MaskStore:
    """Masks of one run on disk.

        with MaskStore.open(folder, info) as store:
            for result in session.propagate():
                store.append(result)
        for record in MaskStore.read(folder).records():
            record.objects[1].mask

    Attributes:
        folder: the run folder.
        info: what the run is made of.
        last_index: index of the frame written last, or None before any.
    """

    def __init__(self, folder: Path, info: RunInfo, log: BinaryIO | None = None) -> None:
        """Use `open` or `read`."""
        self.folder, self.info = folder, info
        self.last_index: int | None = None
        self._log = log
        self._end = 0
        for line in self._lines():
            self.last_index, self._end = line.frame, line.stop
        if log is not None:
            log.truncate(self._end)

    @classmethod
    def open(cls, folder: str | os.PathLike[str], info: RunInfo, *, overwrite: bool = False) -> Self:
        """Begin a run in a new folder, or go on with the same run in its own.

        Args:
            folder: made when missing; other files in it are left alone.
            info: must equal that of the run in the folder.
            overwrite: forget the run in the folder, and remove its exports.

        Raises:
            OutputError: the folder belongs to another video, or to this one with other prompts, weights or settings; it
                is damaged; another process is writing to it; or it cannot be written.
        """
        folder = Path(folder)
        head, log_path = folder / "run.json", folder / "masks.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not overwrite and not head.exists() and log_path.exists() and log_path.stat().st_size:
                raise OutputError(
                    f"{folder} holds masks.jsonl but no run.json, so nobody knows of which video; {_MEND}"
                )
            log = open(log_path, "ab", buffering=0)  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise cannot_write(folder, error) from error
        try:
            _lock(log, folder)
            if overwrite:
                forget(folder)
            content = json.loads(json.dumps(info.to_json()))
            if head.exists():
                _check_same(folder, _load(head), content, info)
            else:
                _write_head(head, {"schema": SCHEMA, "software": f"sam2s {__version__}", **content})
            return cls(folder, info, log)
        except BaseException as error:
            log.close()
            if isinstance(error, OSError):
                raise cannot_write(folder, error) from error
            raise

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Self:
        """Look at a run, also while it is being written.

        Raises:
            OutputError: there is none, or it is damaged.
        """
        folder = Path(folder)
        content = _load(folder / "run.json")
        try:
            return cls(folder, RunInfo.from_json(content))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise OutputError(f"{folder / 'run.json'} is damaged ({error}); {_MEND}") from error

    def append(self, result: FrameResult, clean: Callable[[np.ndarray], np.ndarray] | None = None) -> None:
        """Write a frame; when this returns, a kill of the process cannot take it back.

        A frame written again replaces what was written before.

        Args:
            result: what the tracker says.
            clean: changes every mask before it is written (see `sam2s.masks.postprocess.clean`).

        Raises:
            OutputError: the disk is full or gone; all earlier frames are safe.
        """
        log = self._writable()
        line = to_line(result, clean)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[log.write(rest) :]
        except OSError as error:
            try:
                log.truncate(self._end)
            except OSError:  # nothing may follow a torn line; the next opening cuts it off
                self._log = None
                log.close()
            saved = "no frame was" if self.last_index is None else f"all up to frame {self.last_index} are"
            raise OutputError(f"{cannot_write(self._path, error)}; {saved} saved") from error
        self._end += len(line)
        self.last_index = result.index

    def frames_done(self) -> np.ndarray:
        """Indices of the frames written, ascending, int64."""
        return np.unique(np.fromiter((line.frame for line in self._lines()), np.int64))

    def records(self) -> Iterator[FrameRecord]:
        """Read back all frames by ascending index, each as it was written last.

        Raises:
            OutputError: a line in the middle is damaged.
        """
        frames, starts = array("q"), array("q")
        for line in self._lines():
            frames.append(line.frame)
            starts.append(line.start)
        order, newest = np.unique(np.array(frames)[::-1], return_index=True)
        with self._path.open("rb") as log:
            for frame, place in zip(order, newest, strict=True):
                log.seek(starts[len(starts) - 1 - place])
                try:
                    yield from_line(log.readline(), self.info.size)
                except ValueError as error:
                    raise OutputError(f"{self._path}: frame {frame} is damaged ({error}); {_MEND}") from error

    def save_state(self, state: State) -> None:
        """Keep how far the run is; it replaces the last state only once it and all frames so far are durable.

        Raises:
            OutputError: the disk is full or gone.
        """
        self._sync(self._writable())
        write_atomically(self.folder / "state.bin", state.encode())

    def load_state(self) -> State:
        """The state kept last; one that cannot be read means that there is something left to track."""
        try:
            return State((self.folder / "state.bin").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return State.TRACKING

    def claim(self, kind: str) -> Path:
        """Where an export of the run goes; it is recorded, so that a later one may replace it.

        Args:
            kind: of `sam2s.formats.outputs.FILES`.

        Raises:
            OutputError: there lies something that is no export of the run, or the folder cannot be written.
        """
        outputs.check_free(self.folder, kind)
        made = outputs.recorded(self.folder)
        if new := [name for name in outputs.files_of(kind) if name not in made]:
            head = self.folder / "run.json"
            _write_head(head, {**_load(head), "exports": made + new})
        return self.folder / outputs.FILES[kind]

    def close(self) -> None:
        """Make everything durable and let go of the folder; idempotent.

        Raises:
            OutputError: the disk is full or gone.
        """
        if self._log is not None:
            log, self._log = self._log, None
            with log:
                self._sync(log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _path(self) -> Path:
        return self.folder / "masks.jsonl"

    def _sync(self, log: BinaryIO) -> None:
        try:
            os.fsync(log.fileno())
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def _writable(self) -> BinaryIO:
        if self._log is None:
            raise OutputError(f"{self.folder} is open for reading only; use MaskStore.open to write")
        return self._log

    def _lines(self) -> Iterator[_Line]:
        """Where the whole lines lie; stops before a torn last one."""
        if not self._path.exists():
            return
        start, bad = 0, None
        with self._path.open("rb") as log:
            for line in log:
                if bad is not None:
                    raise OutputError(f"{self._path} is damaged at byte {bad}, with frames after it; {_MEND}")
                head = _HEAD.match(line)
                if head and line.endswith(b"}\n"):
                    yield _Line(int(head[1]), start, start + len(line))
                    start += len(line)
                else:
                    bad = start


def _write_head(path: Path, content: dict[str, object]) -> None:
    write_atomically(path, json.dumps(content, indent=1).encode() + b"\n")


def _load(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise OutputError(f"{path.parent} holds no run: {path.name} is missing") from error
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be read ({error}); {_MEND}") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        got = content.get("schema") if isinstance(content, dict) else None
        raise OutputError(f"{path} has schema {got}, this version of sam2s reads {SCHEMA}; {_MEND}")
    return content


def _check_same(folder: Path, there: dict[str, object], now: dict[str, object], info: RunInfo) -> None:
    found = list(differences({key: there.get(key) for key in now}, now))
    if any(text.startswith("source.fingerprint") for text in found):
        source = there.get("source")
        name = source.get("name") if isinstance(source, dict) else source
        which = f", also called {name}" if name == info.source else f": {name} there, {info.source} now"
        raise OutputError(f"{folder} belongs to another video{which}; {_MEND}")
    found = [text for text in found if not text.startswith("source.name")]  # a renamed file is the same video
    if found:
        raise OutputError(f"{folder} holds a run of {info.source} made otherwise: {'; '.join(found)}; {_MEND}")


def _lock(log: BinaryIO, folder: Path) -> None:
    """Keep a second process out until this one ends, however it ends."""
    if fcntl is None:
        return
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(f"another process is writing to {folder}; wait for it, or give another --out") from error
    except OSError:
        pass  # a file system without locks
