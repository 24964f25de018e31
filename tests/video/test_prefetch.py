"""Reading ahead is bounded, forwards errors, and never leaves a thread behind."""

import threading
import time

import pytest

from sam2s.errors import ConfigError, TruncatedSourceError
from sam2s.video import FileSource, prefetch, stall
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


def test_reading_that_hangs_is_said_and_given_up(monkeypatch, caplog):
    monkeypatch.setattr(stall, "WARN_SECONDS", 0.1)
    monkeypatch.setattr(stall, "GIVE_UP_SECONDS", 0.5)
    monkeypatch.setattr(stall, "LOOK_SECONDS", 0.05)
    gone = threading.Event()

    def frames():
        yield 1
        yield 2
        with stall.reading("/mnt/share/case.mp4"):
            gone.wait(60)
        yield 3

    got = []
    with pytest.raises(TruncatedSourceError, match=r"/mnt/share/case\.mp4: nothing could be read for \d s, as if"):
        got.extend(prefetch(frames()))
    gone.set()
    assert got == [1, 2]
    assert "/mnt/share/case.mp4: waiting for" in caplog.text


def test_work_that_takes_long_is_no_hang(monkeypatch):
    monkeypatch.setattr(stall, "GIVE_UP_SECONDS", 0.1)
    monkeypatch.setattr(stall, "LOOK_SECONDS", 0.02)

    def frames():
        for number in range(3):
            with stall.reading("case.mp4"):
                pass
            time.sleep(0.3)
            yield number

    assert list(prefetch(frames())) == [0, 1, 2]


def test_an_error_of_closing_ends_the_reading_too():
    class Items:
        def __iter__(self):
            return self

        def __next__(self):
            raise StopIteration

        def close(self):
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(prefetch(Items()))
