"""Reading a few items ahead in the background."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from queue import SimpleQueue
from typing import TypeVar

from sam2s.errors import ConfigError

T = TypeVar("T")


class _Last:
    """Comes after the last item, with the error that ended the reading, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(items: Iterable[T], depth: int = 4) -> Generator[T]:
    """Yield the items of an iterable that a thread reads ahead; at most `depth` are read and not yet done with.

    The item that the consumer works on is one of them, so that only a depth of 2 lets both work at once.

    Errors of the iterable are raised here, after the items before them. When the consumer stops early or raises, the
    thread ends after the item it is reading, and closes the iterable.

    Raises:
        ConfigError: if `depth` is below 1.
    """
    if depth < 1:
        raise ConfigError(f"prefetch depth {depth}: at least 1")
    return _prefetch(items, depth)


def _prefetch(items: Iterable[T], depth: int) -> Generator[T]:
    queue: SimpleQueue[T | _Last] = SimpleQueue()
    free = threading.Semaphore(depth)
    stop = threading.Event()

    def read() -> None:
        iterator = iter(items)
        error: BaseException | None = None
        try:
            while free.acquire() and not stop.is_set():
                queue.put(next(iterator))
        except StopIteration:
            pass
        except BaseException as caught:
            error = caught
        finally:
            if close := getattr(iterator, "close", None):
                close()
            queue.put(_Last(error))

    thread = threading.Thread(target=read, name="sam2s-prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _Last):
            yield item
            del item  # while waiting, the consumer's frame is not kept alive from here
            free.release()
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        free.release()
        thread.join()
