"""The search for events: what it finds is kept however it ends, and it never outlives the server."""

import os
import signal
import subprocess
import sys
import time

import pytest

from app_tools import until
from event_tools import BLACK, LENGTH, LONG, black_of, write_events, write_long
from sam2s.app.event_search.runner import EventSearch
from sam2s.errors import WorkspaceError

PATIENCE = 120
"""Seconds; the process has less priority than all others of a machine, which may be busy."""


def search(video, keep):
    return EventSearch(video, video.with_suffix(".sam2s"), "Ada", keep)


def test_a_search_to_the_end_keeps_what_it_found_of_the_whole_video(tmp_path):
    write_events(tmp_path / "op.mp4")
    kept = []
    begun = search(tmp_path / "op.mp4", lambda spans, within: kept.append((list(spans), within)))
    assert (begun.running, begun.progress.author, begun.progress.found) == (True, "Ada", 0)
    until(lambda: not begun.running, PATIENCE)
    ((spans, within),) = kept
    assert black_of(spans) == [BLACK]
    assert within is None
    ended = begun.progress
    assert (ended.state, ended.done, ended.total, ended.found) == ("done", LENGTH, LENGTH, len(spans))
    begun.stop()
    assert begun.progress == ended


@pytest.mark.slow
def test_one_that_is_stopped_keeps_what_it_found_of_the_frames_that_it_has_seen(tmp_path):
    write_long(tmp_path / "op.mp4")
    kept = []
    begun = search(tmp_path / "op.mp4", lambda spans, within: kept.append(within))
    until(lambda: begun.progress.done, PATIENCE)
    begun.stop()
    assert begun.progress.state == "stopped"
    assert 0 < begun.progress.done < begun.progress.total == LONG
    assert kept == [(0, begun.progress.done)]


def test_damage_ends_it_with_its_reason_and_keeps_what_lies_before(tmp_path):
    write_events(tmp_path / "whole.mkv")
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: 3 * len(data) // 4])
    kept = []
    begun = search(tmp_path / "cut.mkv", lambda spans, within: kept.append(within))
    until(lambda: not begun.running, PATIENCE)
    assert begun.progress.state == "failed"
    assert "damaged or cut off at frame" in begun.progress.message
    assert 0 < begun.progress.done < LENGTH
    assert kept == [(0, begun.progress.done)]


def test_a_file_that_is_no_video_says_so_and_keeps_nothing(tmp_path):
    (tmp_path / "none.mp4").write_bytes(b"\x00\x01nothing" * 50)
    kept = []
    begun = search(tmp_path / "none.mp4", lambda spans, within: kept.append(within))
    until(lambda: not begun.running, PATIENCE)
    assert begun.progress.state == "failed"
    assert "not a video that FFmpeg can read" in begun.progress.message
    assert kept == []


def test_marks_that_cannot_be_written_are_said_to_be_lost(tmp_path):
    write_events(tmp_path / "op.mp4")

    def refuse(spans, within):
        raise WorkspaceError("the disk is full")

    begun = search(tmp_path / "op.mp4", refuse)
    until(lambda: not begun.running, PATIENCE)
    assert begun.progress.state == "failed"
    assert begun.progress.message == "what was found could not be kept: the disk is full"


@pytest.mark.slow
def test_it_ends_when_the_server_is_killed(tmp_path):
    write_long(tmp_path / "op.mp4")
    script = (
        "import sys; from pathlib import Path; from sam2s.app.event_search.runner import EventSearch\n"
        "begun = EventSearch(Path(sys.argv[1]), Path(sys.argv[2]), 'a', lambda spans, within: None)\n"
        "print(begun._process.pid, flush=True); sys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path / "op.mp4"), str(tmp_path / "op.sam2s")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        pid = int(server.stdout.readline())
        time.sleep(1)
        server.send_signal(signal.SIGKILL)

    def gone():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    until(gone, PATIENCE)
