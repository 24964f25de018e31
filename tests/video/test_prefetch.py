"""Reading ahead is bounded, forwards errors, and never leaves a thread behind."""

import threading
import time

import pytest

from sam2s.errors import ConfigError
from sam2s.video import FileSource, prefetch
from video_tools import number_of


class Counting:
    """An iterator that knows how far it was read and whether it was closed."""

    def __init__(self, count, error=None):
        self.read, self.count, self.error, self.closed = 0, count, error, threading.Event()

    def __iter__(self):
        return self

    def __next__(self):
        if self.read == self.count:
            raise self.error or StopIteration
        self.read += 1
        return self.read - 1

    def close(self):
        self.closed.set()


@pytest.fixture(autouse=True)
def _no_thread_stays():
    yield
    deadline = time.monotonic() + 5
    while any(t.name == "sam2s-prefetch" for t in threading.enumerate()):
        assert time.monotonic() < deadline, "a reading thread was left behind"
        time.sleep(0.01)


def test_everything_arrives_in_order(clip):
    assert [number_of(f.image) for f in prefetch(FileSource(clip("plain.mkv")).frames())] == list(range(60))


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_than_depth_is_read_ahead(depth):
    items = Counting(1000)
    reader = prefetch(items, depth)
    assert items.read == 0
    for i in range(5):
        assert next(reader) == i
        time.sleep(0.05)
        assert items.read <= i + depth
    reader.close()
    assert items.closed.is_set()


def test_errors_come_after_the_items_before_them():
    got = []
    with pytest.raises(OSError, match="torn tape"):
        got.extend(prefetch(Counting(7, OSError("torn tape"))))
    reader = prefetch(Counting(7, OSError("torn tape")))
    assert [next(reader) for _ in range(7)] == list(range(7))
    with pytest.raises(OSError, match="torn tape"):
        next(reader)


def test_a_consumer_that_raises_ends_the_reading():
    items = Counting(10**9)

    def consume():
        for item in prefetch(items):
            if item == 3:
                raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        consume()
    assert items.closed.wait(5)
    assert items.read <= 9


def test_a_depth_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="prefetch depth 0: at least 1"):
        prefetch([], 0)
