"""What a run finds when it is taken up again, checked before it goes on; folders that vanish; reads that never end."""

import logging
import os
import random
import shutil
import signal
import sqlite3
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from runs_tools import checkpoint_every, export_bytes, masks, module, quiet, records
from sam2s.errors import DamagedWorkspaceError, OutputError, SourceError, TruncatedSourceError
from sam2s.formats.prompts_file import parse_box
from sam2s.runs import run, watchdog
from sam2s.runs.watchdog import Watchdog, WatchedSource
from sam2s.video import ArraySource, VideoWriter
from sam2s.workspace import Layer, Workspace
from tracking_tools import movie


@pytest.fixture
def broken(job, monkeypatch):
    """A run that was killed after frame 20, of 3 to 29; a snapshot is there after frame 18."""
    checkpoint_every(8, monkeypatch)

    def crash(what, done, total):
        if done == 18:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        run(job("broken"), crash)
    return job("broken")


def execute(folder, sql):
    connection = sqlite3.connect(folder / "workspace.sqlite")
    connection.execute(sql)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("DELETE FROM versions WHERE frame BETWEEN 8 AND 10", "15 of 18 masks are left of object 1"),
        ("UPDATE masks SET rle = X'3030' WHERE mask_id = 5", "lost what was written: the mask of object 1 on frame 5"),
        ("DELETE FROM frames WHERE frame < 10", "of 16 frames are left of run 1"),
    ],
)
def test_lost_and_changed_masks_are_told_and_can_be_computed_anew(broken, job, loss, message):
    execute(broken.out, loss)
    for _ in range(2):
        with pytest.raises(DamagedWorkspaceError, match=rf"{message}.*; track anew with --overwrite, or with --again"):
            run(broken, quiet)
    run(replace(broken, overwrite=True), quiet)
    run(job("whole"), quiet)
    assert export_bytes(broken.out) == export_bytes(job("whole").out)


def test_a_finished_run_that_lost_masks_empties_no_exports(job):
    settings = job("out", stop=9, exports=("csv",))
    run(settings, quiet)
    before = (settings.out / "masks.csv").read_bytes()
    execute(settings.out, "DELETE FROM versions WHERE frame = 5")
    with pytest.raises(DamagedWorkspaceError, match=r"5 of 6 masks are left of object 1.*--overwrite"):
        run(settings, quiet)
    (settings.out / "workspace.sqlite").unlink()
    (settings.out / ".sam2s-exports.json").unlink()
    with pytest.raises(OutputError, match=r"masks.csv is there and is not an export of the run"):
        run(settings, quiet)
    assert (settings.out / "masks.csv").read_bytes() == before


def test_a_flipped_bit_in_a_snapshot_is_told(broken, job):
    """Whatever byte of the snapshot or its record changes: an error, never other masks."""
    run(job("whole"), quiet)
    expected, rng = masks(job("whole").out), random.Random(1)
    files = sorted(path for path in (broken.out / "snapshots/run-1").iterdir())
    told = []
    for number in range(12):
        copy = broken.out.with_name(f"copy{number}")
        shutil.copytree(broken.out, copy)
        file = copy / "snapshots/run-1" / files[number % len(files)].name
        data = bytearray(file.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
        try:
            run(replace(broken, out=copy), quiet)
            assert masks(copy) == expected, "a snapshot that is not needed"
        except OutputError as error:
            told.append(str(error))
    assert len(told) >= 6
    assert all("--again" in text or "move it" in text for text in told)


def test_snapshots_that_are_lost_and_workspaces_that_are_older_than_they(broken):
    copy = broken.out.with_name("copy")
    shutil.copytree(broken.out, copy)
    shutil.rmtree(copy / "snapshots")
    with pytest.raises(DamagedWorkspaceError, match=r"run-1 is lost, with which the run would go on; track anew with"):
        run(replace(broken, out=copy), quiet)
    assert run(replace(broken, out=copy, overwrite=True), quiet).frames == 27
    with Workspace.open(broken.out) as workspace:
        event = workspace.runs.all()[0].event_id
    for sql in (
        "DELETE FROM versions WHERE frame > 8",
        "DELETE FROM frames WHERE frame > 8",
        f"UPDATE extents SET last = 8, count = 6 WHERE event_id = {event}",
        "UPDATE runs SET frames = 6",
    ):
        execute(broken.out, sql)
    with pytest.raises(DamagedWorkspaceError, match=r"holds 6 of the 16 frames that were tracked before frame 19"):
        run(broken, quiet)


def test_again_keeps_what_people_accepted_and_overwrite_refuses_to_lose_it(job):
    settings = job("out", stop=9)
    run(settings, quiet)
    with Workspace.open(settings.out, write=True) as workspace:
        before = workspace.read_frame(5).objects[1].rle
        workspace.accept([1], 5, 6, author="ana")
    with pytest.raises(OutputError, match=r"holds 1 acts of people \(accept\), which --overwrite would lose"):
        run(replace(settings, overwrite=True), quiet)
    with pytest.raises(OutputError, match=r"image_size is 64 there and 96 now.*or track again beside it \(--again\)"):
        run(replace(settings, image_size=96), quiet)
    again = replace(settings, image_size=96, again=True)
    assert run(again, quiet).frames == 6
    with Workspace.open(settings.out) as workspace:
        assert [r.settings["image_size"] for r in workspace.runs.all()] == [64, 96]
        entry = workspace.read_frame(5).objects[1]
        assert (entry.rle, entry.layer) == (before, Layer.ACCEPTED)
        assert {r.objects[1].event_id for r in workspace.frames() if r.index != 5} == {workspace.runs.all()[1].event_id}
        assert len(workspace.events(kinds=["prompt"])) == 2, "noted once"


def test_prompts_of_the_workspace_are_taken_where_none_are_given(job):
    given = job("given", stop=9)
    run(given, quiet)
    with Workspace.open(given.out, write=True) as workspace:
        workspace.undo(workspace.runs.all()[0].event_id)
    again = replace(given, prompts=(), again=True)
    assert run(again, quiet).frames == 6
    run(job("plain", stop=9), quiet)
    assert masks(given.out) == masks(job("plain", stop=9).out)


def test_a_workspace_that_another_process_writes_to_is_refused_or_taken_over(job):
    settings = job("out", stop=9)
    run(settings, quiet)
    with Workspace.open(settings.out, write=True) as workspace:
        with pytest.raises(OutputError, match="another process is writing to"):
            run(settings, quiet)
        assert run(replace(settings, take_over=True), quiet).finished_before
        with pytest.raises(OutputError, match="was taken over by"):
            workspace.record("note")


def test_a_folder_that_vanishes_ends_the_run_at_once(job, monkeypatch):
    settings = job("out")

    def vanish(what, done, total):
        if done == 3:
            settings.out.rename(settings.out.with_name("gone"))
        assert done < 12, "not noticed"

    with pytest.raises(OutputError, match="it was removed, moved or replaced while it was written to"):
        run(settings, vanish)
    assert records(settings.out.with_name("gone")), "what was written before is kept"


def test_a_full_disk_is_an_error_of_ours_and_the_run_goes_on_later(job):
    import resource

    settings, limits = job("out"), resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_up(what, done, total):
        if done == 5:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096 * 30, limits[1]))

    try:
        with pytest.raises(OutputError, match=r"cannot write .*; free space there or choose another --out"):
            run(settings, fill_up)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run(settings, quiet)
    run(job("whole"), quiet)
    assert export_bytes(settings.out) == export_bytes(job("whole").out)


class Stuck:
    """A video one of whose frames is never read to its end."""

    def __init__(self, at):
        self._source, self.at = ArraySource(movie(12)), at

    def __getattr__(self, name):
        return getattr(self._source, name)

    def frames(self, start=0, stop=None, step=1):
        for frame in self._source.frames(start, stop, step):
            while frame.index == self.at:
                sum(range(1000))  # a loop that never waits
            yield frame

    def frame(self, index):
        while index == self.at:
            sum(range(1000))
        return self._source.frame(index)


def test_a_read_that_never_ends_is_damage(job, monkeypatch):
    monkeypatch.setattr(module, "open_source", lambda *_, **__: Stuck(7))
    settings = replace(job("out"), prompts=[parse_box("1@0:4,4,40,30")], stall_seconds=0.5)
    outcome = run(settings, quiet)
    assert "clip" in outcome.damage or "array" in outcome.damage
    assert "nothing could be read for too long" in outcome.damage
    assert list(masks(settings.out)) == list(range(7))
    monkeypatch.setattr(module, "open_source", lambda *_, **__: Stuck(-1))
    outcome = run(settings, quiet)
    assert (outcome.resumed_at, outcome.damage) == (7, None)
    assert list(masks(settings.out)) == list(range(12))


def test_a_request_to_stop_ends_a_stalled_read(job, monkeypatch):
    monkeypatch.setattr(module, "open_source", lambda *_, **__: Stuck(7))
    monkeypatch.setattr(watchdog, "GRACE_SECONDS", 0.2)
    settings = replace(job("out"), prompts=[parse_box("1@0:4,4,40,30")], stall_seconds=0)

    def interrupt(what, done, total):
        if done == 7:
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    outcome = run(settings, interrupt)
    assert (outcome.signal, outcome.damage) == (signal.SIGINT, None)
    assert list(masks(settings.out)) == list(range(7))


def test_the_watchdog_says_for_what_it_waits_and_breaks_off(monkeypatch, caplog):
    monkeypatch.setattr(watchdog, "HINT_SECONDS", 0.2)
    with Watchdog(1.0, []) as watching, caplog.at_level(logging.WARNING):
        source = WatchedSource(Stuck(3), watching)
        with pytest.raises(SourceError, match="frame 3 was given up, as nothing could be read for too long"):
            source.frame(3)
        frames = source.frames()
        assert [next(frames).index for _ in range(3)] == [0, 1, 2]
        with pytest.raises(TruncatedSourceError, match="frame 3 or the next was given up"):
            next(frames)
        assert source.frame(5).index == 5
    assert sum("nothing was read for" in record.message for record in caplog.records) == 2


def test_errors_of_the_demuxer_after_good_frames_are_damage(job, tmp_path, monkeypatch):
    with VideoWriter(tmp_path / "clip.mp4", (48, 80), 25) as writer:
        for image in movie(12):
            writer.write(np.ascontiguousarray(image))

    class Failing(Stuck):
        def frames(self, start=0, stop=None, step=1):
            for frame in self._source.frames(start, stop, step):
                if frame.index == 6:
                    raise SourceError("clip: Input/output error")
                yield frame

    monkeypatch.setattr(module, "open_source", lambda *_, **__: Failing(-1))
    settings = replace(job("out"), prompts=[parse_box("1@0:4,4,40,30")])
    outcome = run(settings, quiet)
    assert (outcome.frames, outcome.damage) == (6, "clip: Input/output error")
    monkeypatch.setattr(module, "open_source", lambda *_, **__: Stuck(-1))
    assert run(settings, quiet).resumed_at == 6


def test_pictures_are_still_read_by_name(job, tmp_path):
    """The watched video is the video in all else: exports of a folder keep the pictures' names."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, image in enumerate(movie(4)):
        Image.fromarray(image).save(folder / f"img{index}.png")
    settings = replace(job("out", exports=("davis",)), input=str(folder), prompts=[parse_box("1@0:4,4,40,30")])
    davis = run(settings, quiet).outputs["davis"]
    assert sorted(path.name for path in (davis / "pictures").iterdir()) == [f"img{n}.png" for n in range(4)]
