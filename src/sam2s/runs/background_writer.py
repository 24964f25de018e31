"""Writing in the background, so that masks are packed and stored while the network works on the next frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class BackgroundWriter(Generic[T]):
    """Hands items in order to a function in one other thread; at most `depth` wait, then the caller does.

    An error of the function is raised here at one of the next items, or at `flush`, or at the end of the `with` block;
    nothing is handed over after it, so that what was written has no gap.
    """

    def __init__(self, write: Callable[[T], object], depth: int = 4) -> None:
        self._write = write
        self._depth = depth
        self._failed = False
        self._waiting: deque[Future[None]] = deque()
        self._thread = ThreadPoolExecutor(1, "sam2s-writer")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()  # what was handed over is written, whatever ended the block
        self.flush()

    def __call__(self, item: T) -> None:
        """Hand over an item."""
        if len(self._waiting) >= self._depth:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._do, item))

    def flush(self) -> None:
        """Wait until all that was handed over is written."""
        while self._waiting:
            self._waiting.popleft().result()

    def _do(self, item: T) -> None:
        if self._failed:
            return
        try:
            self._write(item)
        except BaseException:
            self._failed = True
            raise
