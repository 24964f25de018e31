"""Worker processes that end with the process that started them, and folders that one process writes at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any, Literal, TypeVar

from sam2s.errors import OutputError

T = TypeVar("T")

_LOOK_SECONDS = 1.0  # how soon a worker notices that nobody waits for it
_LOCK_NAME = ".lock"


class WorkerPool:
    """Processes that do calls; made by `worker_pool`."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        """Take an executor whose processes watch their parent."""
        self._executor = executor

    def submit(self, function: Callable[..., T], /, *arguments: Any) -> Future[T]:
        """Begin a call in the next free process."""
        return self._executor.submit(function, *arguments)

    def map(self, function: Callable[[Any], T], items: Any) -> Iterator[T]:
        """Yield what the function answers to each item, in their order.

        Raises:
            OutputError: a process died.
        """
        with _deaths_said():
            yield from self._executor.map(function, items)

    def completed(self, futures: list[Future[T]]) -> Iterator[Future[T]]:
        """Yield submitted calls as they end; their `result` does not fail for a process that died.

        Raises:
            OutputError: a process died.
        """
        for future in as_completed(futures):
            if isinstance(future.exception(), BrokenProcessPool):
                with _deaths_said():
                    future.result()
            yield future


@contextmanager
def worker_pool(
    workers: int,
    *,
    initializer: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
    start: Literal["spawn", "fork"] = "spawn",
) -> Iterator[WorkerPool]:
    """Give processes for a block of calls; at its end, and after any error in it, they end too.

    A worker ends within a second or two once its parent is gone, however that went (also by SIGKILL), and leaves Ctrl-C
    to its parent. After an error, Ctrl-C or an early leave, what workers are at is broken off: results belong in files
    that `sam2s.files.replacing` completes.

    Args:
        workers: how many processes, at least 1.
        initializer: called first in each process.
        arguments: of the initializer.
        start: `spawn`, or `fork`, which is safe without threads only.
    """
    context = multiprocessing.get_context(start)
    stop = context.Event()
    setup = (stop, os.getpid(), initializer, arguments)
    executor = ProcessPoolExecutor(workers, context, _start_worker, setup)
    try:
        yield WorkerPool(executor)
    except BaseException:
        stop.set()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def watch_parent(parent: int, stop: Any = None) -> None:
    """End this process at once when the one that started it is gone, or an event is set; in a thread of its own."""
    sentinel = process.sentinel if (process := multiprocessing.parent_process()) else None

    def watch() -> None:
        while os.getppid() == parent and not (stop is not None and stop.is_set()):
            if connection.wait([sentinel], _LOOK_SECONDS / 2) if sentinel is not None else _sleep():
                break
        os._exit(1)

    threading.Thread(target=watch, name="sam2s-parent", daemon=True).start()


@contextmanager
def locked(folder: Path, *, mend: str = "wait for it, or choose another --out") -> Iterator[None]:
    """Keep other processes from writing a folder; it is made if need be.

    The lock ends with the process, however that ends.

    Raises:
        OutputError: another process is writing it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(folder / _LOCK_NAME, "a+b")  # noqa: SIM115
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}; choose another --out") from error
    with handle:
        if not _try_lock(handle):
            handle.seek(0)
            owner = handle.read(64).decode("ascii", "replace").strip()
            who = f"process {owner}" if owner else "another process"
            raise OutputError(f"{folder}: {who} is writing it; {mend}")
        with suppress(OSError):
            handle.truncate(0)
            handle.write(str(os.getpid()).encode())
            handle.flush()
        yield


def _try_lock(handle: Any) -> bool:
    """Lock an open file; False if another process or handle holds it, True where a file system has no locks."""
    if sys.platform == "win32":
        import msvcrt

        handle.seek(1 << 30)  # behind what it holds, which others may then read
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _start_worker(stop: Any, parent: int, initializer: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the pool
    watch_parent(parent, stop)
    if initializer is not None:
        initializer(*arguments)


@contextmanager
def _deaths_said() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise OutputError(
            "a worker process died, perhaps for lack of memory; what was finished stays, try fewer --workers"
        ) from error


def _sleep() -> bool:
    threading.Event().wait(_LOOK_SECONDS / 2)
    return False
