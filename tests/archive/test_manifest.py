"""The manifest: what a later start makes of it, and what happens when its folder cannot be written."""

import sqlite3
import threading
import time

import pytest

from archive_tools import job
from sam2s.archive import JobState, Manifest
from sam2s.archive.manifest import FILE
from sam2s.errors import OutputError


def states(manifest):
    return {status.job.name: status.state for status in manifest.statuses()}


def test_a_second_start_keeps_what_is_done_and_renews_what_changed(tmp_path):
    with Manifest.create(tmp_path, [job("a"), job("b"), job("c"), job("d")]) as manifest:
        for name in "abc":
            assert manifest.mark_running(name) == 1
        manifest.mark_done("a", seconds=2.5, frames=10, place="here:1")
        manifest.mark_done("b", seconds=1, frames=5, place="here:1")
    with Manifest.create(tmp_path, [job("d"), job("a"), job("b", stride=2), job("c")]) as manifest:
        found = manifest.statuses()
        assert [status.job.name for status in found] == ["d", "a", "b", "c"]
        assert states(manifest) == {"a": "done", "b": "pending", "c": "pending", "d": "pending"}
        assert (found[1].seconds, found[1].frames, found[1].place) == (2.5, 10, "here:1")
        assert found[3].attempts == 0  # that a driver was killed is no fault of the job
    with Manifest.create(tmp_path, [job("a")]) as manifest:
        assert states(manifest) == {"a": "done"}


def test_failures_are_kept_and_retried_on_request(tmp_path):
    with Manifest.create(tmp_path, [job("a"), job("b")]) as manifest:
        for name in "ab":
            manifest.mark_running(name)
            manifest.mark_failed(name, fault="job", reason=f"{name} is broken", seconds=1, place="p")
    with Manifest.create(tmp_path, [job("a"), job("b")]) as manifest:
        assert {status.reason for status in manifest.statuses()} == {"a is broken", "b is broken"}
        with pytest.raises(OutputError, match=r"'x' is not a failed job of .*; failed jobs: a, b"):
            manifest.retry(["x"])
        assert manifest.retry(["a"]) == 1
        assert states(manifest) == {"a": "pending", "b": "failed"}
        assert manifest.retry() == 1
        assert states(manifest)["b"] == "pending"


def test_two_drivers_never_share_an_archive_and_readers_may_look(tmp_path):
    with Manifest.create(tmp_path, [job("a")]):
        with pytest.raises(OutputError, match=r"process \d+ is writing it; wait for that `sam2s archive run`"):
            Manifest.create(tmp_path, [job("a")])
        with Manifest.read(tmp_path) as reader:
            assert states(reader) == {"a": JobState.PENDING}
    Manifest.create(tmp_path, [job("a")]).close()


def test_a_change_waits_while_the_file_is_locked(tmp_path):
    with Manifest.create(tmp_path, [job("a")], patience=20) as manifest:
        other = sqlite3.connect(tmp_path / FILE, check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.3, other.rollback).start()
        manifest.mark_running("a")
        assert states(manifest) == {"a": "running"}
        other.close()


def test_a_folder_that_vanishes_and_returns_loses_nothing(tmp_path):
    folder, away = tmp_path / "out", tmp_path / "away"
    with Manifest.create(folder, [job("a")], patience=20) as manifest:
        folder.rename(away)
        threading.Timer(0.5, lambda: away.rename(folder)).start()
        began = time.monotonic()
        manifest.mark_running("a")
        manifest.mark_done("a", seconds=1, frames=1, place="p")
        assert time.monotonic() - began >= 0.4
    with Manifest.read(folder) as manifest:
        assert states(manifest) == {"a": "done"}


def test_a_folder_that_stays_away_is_told(tmp_path):
    folder = tmp_path / "out"
    with Manifest.create(folder, [job("a")], patience=0.2) as manifest:
        folder.rename(tmp_path / "away")
        with pytest.raises(OutputError, match="all finished videos are safe"):
            manifest.mark_running("a")


def test_files_that_are_no_manifest_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"holds no archive \(archive\.sqlite is missing\)"):
        Manifest.read(tmp_path)
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    for opened in (Manifest.read, lambda folder: Manifest.create(folder, [])):
        with pytest.raises(OutputError, match="is damaged"):
            opened(tmp_path)
    (tmp_path / FILE).unlink()
    Manifest.create(tmp_path, []).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="has schema 99, this version"):
        Manifest.read(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file/out"):
        Manifest.create(tmp_path / "file" / "out", [])
