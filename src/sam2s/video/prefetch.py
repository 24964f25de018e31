"""Reading a few items ahead in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterable
from queue import Empty, SimpleQueue
from typing import TypeVar

from sam2s.errors import ConfigError, TruncatedSourceError
from sam2s.video import stall

T = TypeVar("T")

log = logging.getLogger(__name__)


class _Last:
    """Comes after the last item, with the error that ended the reading, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(items: Iterable[T], depth: int = 4) -> Generator[T]:
    """Yield the items of an iterable that a thread reads ahead; at most `depth` are read and not yet done with.

    The item that the consumer works on is one of them, so that only a depth of 2 lets both work at once.

    Errors of the iterable are raised here, after the items before them. When the consumer stops early or raises, the
    thread ends after the item it is reading, and closes the iterable.

    A drive that is gone or a decoder that hangs may keep the thread in one call for ever. A message then says what is
    waited for, and after two minutes reading ends as at damage (`sam2s.video.stall`); the thread is left behind.

    Raises:
        ConfigError: if `depth` is below 1.
        TruncatedSourceError: after the last item, if reading hangs.
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
            try:
                if close := getattr(iterator, "close", None):
                    close()
            except BaseException as caught:
                error = error or caught
            finally:
                queue.put(_Last(error))

    thread = threading.Thread(target=read, name="sam2s-prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := _next(queue, thread), _Last):
            yield item
            del item  # while waiting, the consumer's frame is not kept alive from here
            free.release()
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        free.release()
        while thread.is_alive() and stall.stalled(thread.ident)[0] < stall.GIVE_UP_SECONDS:
            thread.join(stall.LOOK_SECONDS)


def _next(queue: SimpleQueue[T | _Last], thread: threading.Thread) -> T | _Last:
    """The next item, or an error in its place when the thread hangs."""
    warned = False
    while True:
        try:
            return queue.get(timeout=stall.LOOK_SECONDS)
        except Empty:
            seconds, name = stall.stalled(thread.ident)
        if seconds >= stall.GIVE_UP_SECONDS:
            return _Last(
                TruncatedSourceError(
                    f"{name}: nothing could be read for {seconds:.0f} s, as if the drive or the decoder hangs; every "
                    "frame before was delivered"
                )
            )
        if seconds >= stall.WARN_SECONDS and not warned:
            warned = True
            log.warning("%s: waiting for %.0f s for the next bytes; is the drive still there?", name, seconds)
