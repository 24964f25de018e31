"""Writing in the background: in order, bounded, and no frame after one that was lost."""

import threading
import time

import pytest

from sam2s.errors import OutputError
from sam2s.runs.background_writer import BackgroundWriter


def write_all(write, items):
    with BackgroundWriter(write) as writer:
        for item in items:
            writer(item)


def test_everything_is_written_in_order_in_one_other_thread():
    seen = []
    with BackgroundWriter(lambda item: seen.append((item, threading.get_ident())), depth=2) as write:
        for item in range(50):
            write(item)
    assert [item for item, _ in seen] == list(range(50))
    assert len({thread for _, thread in seen} | {threading.get_ident()}) == 2


def test_the_caller_works_on_while_items_are_written():
    free = threading.Event()
    with BackgroundWriter(lambda _: free.wait(5), depth=4) as write:
        for item in range(4):
            write(item)  # returns although nothing can be written yet
        free.set()


def test_no_more_than_depth_items_wait():
    free, seen = threading.Event(), []

    def slow(item):
        free.wait(5)
        seen.append(item)

    with BackgroundWriter(slow, depth=3) as write:
        caller = threading.Thread(target=lambda: [write(item) for item in range(5)])
        caller.start()
        time.sleep(0.1)
        assert caller.is_alive(), "the fourth item has to wait for the first"
        free.set()
        caller.join(5)
    assert seen == [0, 1, 2, 3, 4]


def test_flush_waits_for_all_that_was_handed_over():
    seen = []
    with BackgroundWriter(lambda item: (time.sleep(0.01), seen.append(item)), depth=4) as write:
        for item in range(3):
            write(item)
        write.flush()
        assert seen == [0, 1, 2]


def test_nothing_is_written_after_an_error_which_reaches_the_caller():
    seen = []

    def full(item):
        if item == 2:
            raise OutputError("the disk is full")
        seen.append(item)

    for count in (20, 4):  # with four the error is met at the end
        seen.clear()
        with pytest.raises(OutputError, match="disk is full"):
            write_all(full, range(count))
        assert seen == [0, 1]


def test_what_was_handed_over_is_written_when_the_caller_fails():
    seen = []

    def items():
        yield from (1, 2)
        raise KeyError

    with pytest.raises(KeyError):
        write_all(lambda item: (time.sleep(0.01), seen.append(item)), items())
    assert seen == [1, 2]
