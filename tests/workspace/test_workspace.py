"""A workspace keeps what it is given: frames, objects, acts; written by one, read by many."""

import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from result_tools import FPS, SIZE, make_result, wandering
from sam2s.errors import OutputError, WorkspaceError, WorkspaceInUseError
from sam2s.masks import rle
from sam2s.tracking.results import ObjectState
from sam2s.workspace import (
    FrameRecord,
    FrameSpan,
    Layer,
    ObjectInfo,
    ObjectRecord,
    RunState,
    VideoIdentity,
    Workspace,
    to_record,
)
from workspace_tools import VIDEO, fill, masks_of, put


def test_frames_come_back_as_they_were_written(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, range(0, 200, 3))
        assert workspace.frame_indices().tolist() == list(range(0, 200, 3))
    with Workspace.open(tmp_path) as workspace:
        assert workspace.video == VIDEO
        records = list(workspace.frames())
        assert [record.index for record in records] == list(range(0, 200, 3))
        for record in records:
            expected = to_record(make_result(record.index))
            assert record.pts == Fraction(record.index) / FPS
            assert list(record.objects) == [1, 2]
            for object_id, entry in record.objects.items():
                assert np.array_equal(entry.mask, wandering(record.index, object_id))
                assert entry.iou == round(expected.objects[object_id].iou, 5)
                assert entry.presence == expected.objects[object_id].presence
                assert entry.state is expected.objects[object_id].state
                assert (entry.category, entry.category_probability) == ("grasper", 0.7)
                assert (entry.prompted, entry.layer) == (record.index == 0, Layer.PROPAGATED)
                assert entry.event_id == event
        assert list(workspace.read_frame(3).objects) == [1, 2]
        assert workspace.read_frame(4) == FrameRecord(4, None)
        assert [record.index for record in workspace.frames(7, 13)] == [9, 12]
        assert {i for record in workspace.frames(object_ids=[2]) for i in record.objects} == {2}


def test_a_frame_written_again_under_its_event_is_replaced_and_under_another_is_kept(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, [5])
        put(workspace, 5, 1, [[0, 0, 3, 3]], event)
        assert workspace.read_frame(5).objects[1].mask.sum() == 9
        assert workspace.extents(event) == {1: (5, 5, 1), 2: (5, 5, 1)}
        later = workspace.record("propagate")
        put(workspace, 5, 1, [[0, 0, 2, 2]], later.event_id)
        assert workspace.read_frame(5).objects[1].mask.sum() == 4
        workspace.undo()
        assert workspace.read_frame(5).objects[1].mask.sum() == 9
        assert workspace.check().whole


def test_objects_are_what_was_said_last_and_come_back_after_undo(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, range(10))
        workspace.put_object(ObjectInfo(2, "hook", 1, (1, 2, 3), hidden=True, locked=True))
        workspace.put_object(ObjectInfo(2, "clip applier", 1, (1, 2, 3), hidden=True))
        assert workspace.objects()[1] == ObjectInfo(2, "clip applier", 1, (1, 2, 3), hidden=True)
        assert workspace.events()[-1].payload == {"name": "clip applier", "locked": False}
        workspace.undo()
        assert workspace.objects()[1].name == "hook"
        workspace.end_object(2, 6, author="ana")
        assert [index for index in range(10) if 2 in workspace.read_frame(index).objects] == list(range(6))
        assert workspace.events()[-1].author == "ana"
        workspace.remove_object(2)
        assert [info.object_id for info in workspace.objects()] == [1]
        assert [info.object_id for info in workspace.objects(removed=True)] == [1, 2]
        assert all(2 not in record.objects for record in workspace.frames())
        assert workspace.next_object_id() == 3
        workspace.undo()
        workspace.undo()
        assert all(2 in record.objects for record in workspace.frames())
        with pytest.raises(WorkspaceError, match="there is no object 7; objects: 1, 2"):
            workspace.remove_object(7)
        with pytest.raises(WorkspaceError, match="object id 0 is not allowed; ids begin at 1"):
            workspace.put_object(ObjectInfo(0))


def test_events_are_noted_in_order_and_survive(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        first = workspace.record("prompt", frame=3, object_id=1, payload={"points": [[1, 2]]}, author="ana")
        workspace.record("note", payload={"text": "ü"})
        with pytest.raises(WorkspaceError, match="event kind 'dance' is not known; allowed are prompt, clear"):
            workspace.record("dance")
        with pytest.raises(WorkspaceError, match="payload of a note event is not JSON"):
            workspace.record("note", payload={"x": float("nan")})
    with Workspace.open(tmp_path) as workspace:
        events = workspace.events()
        assert events[0] == first
        assert [event.kind for event in events] == ["prompt", "note"]
        assert [event.kind for event in workspace.events(since=first.event_id)] == ["note"]
        assert [event.kind for event in workspace.events(kinds=["prompt"])] == ["prompt"]


def test_undo_and_redo_go_back_and_forth_until_something_new_is_done(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        assert workspace.undo() is None
        assert workspace.redo() is None
        acts = [workspace.record("prompt", frame=i).event_id for i in range(3)]
        workspace.record("note")
        assert [workspace.undo().event_id for _ in range(2)] == [acts[2], acts[1]]
    with Workspace.open(tmp_path, write=True) as workspace:
        assert workspace.redo().event_id == acts[1]
        assert workspace.redo().event_id == acts[2]
        assert workspace.redo() is None
        assert workspace.undo(acts[0]).event_id == acts[0]
        with pytest.raises(WorkspaceError, match=rf"event {acts[0]} was taken back before; redo\({acts[0]}\)"):
            workspace.undo(acts[0])
        workspace.record("clear", frame=1)
        assert workspace.redo() is None, "something new was done"
        assert workspace.redo(acts[0]).undone == 0
        with pytest.raises(WorkspaceError, match="was not taken back; there is nothing to do again"):
            workspace.redo(acts[0])
        with pytest.raises(WorkspaceError, match="there is no event 99"):
            workspace.undo(99)
        note = workspace.events(kinds=["note"])[0].event_id
        with pytest.raises(WorkspaceError, match="is of kind note, which is not taken back"):
            workspace.undo(note)


def test_masks_of_another_size_and_values_that_are_no_numbers_are_refused(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, [0])
        entry = ObjectRecord(1, rle.encode(np.ones((4, 4), bool)), 1.0, 1.0, ObjectState.VISIBLE)
        with pytest.raises(OutputError, match=r"mask of object 1 on frame 2 has size \[4, 4\], frames of clip have"):
            workspace.write_frame(FrameRecord(2, None, {1: entry}), event)
        entry = ObjectRecord(1, rle.encode(wandering(0, 1)), float("nan"), 1.0, ObjectState.VISIBLE)
        with pytest.raises(OutputError, match="object 1 on frame 2: predicted IoU is nan, which is not a number"):
            workspace.write_frame(FrameRecord(2, None, {1: entry}), event)
        assert workspace.frame_indices().tolist() == [0]


def test_a_transaction_is_written_whole_or_not_at_all(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace, Workspace.open(tmp_path) as reader:
        event = fill(workspace, [0])
        counter = reader.change_counter()

        def fail():
            with workspace.transaction():
                workspace.write_frame(to_record(make_result(1)), event)
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert reader.frame_indices().tolist() == [0]
        assert reader.change_counter() == counter
        with workspace.transaction():
            for index in (1, 2):
                workspace.write_frame(to_record(make_result(index)), event)
            assert reader.frame_indices().tolist() == [0]
        assert reader.frame_indices().tolist() == [0, 1, 2]
        assert reader.change_counter() == counter + 1


def test_one_writes_and_many_read(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, range(3))
        with pytest.raises(WorkspaceInUseError, match=r"another process is writing to .*, process \d+, last seen"):
            Workspace.open(tmp_path, write=True)
        with Workspace.open(tmp_path) as reader, pytest.raises(WorkspaceError, match="open for reading only"):
            reader.record("note")
        with Workspace.open(tmp_path, write=True, owner=workspace.owner) as partner:
            partner.record("note")
            workspace.record("note")
        with Workspace.open(tmp_path, write=True, take_over=True) as thief:
            with pytest.raises(WorkspaceInUseError, match=r"was taken over by .*; nothing more is written from here"):
                workspace.record("note")
            thief.record("note")
    with Workspace.open(tmp_path, write=True) as workspace:
        assert len(workspace.events(kinds=["note"])) == 3


def test_a_process_that_died_holds_nothing(tmp_path):
    script = (
        "import os, sys; from sam2s.workspace import *; "
        "w = Workspace.create(sys.argv[1], VideoIdentity('clip', 'f', (48, 64))); w.record('note'); "
        "print(w.owner, flush=True); sys.stdin.readline(); os._exit(9)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        with pytest.raises(WorkspaceInUseError, match=f"process {process.pid}"):
            Workspace.open(tmp_path, write=True)
        process.stdin.write("\n")
        process.stdin.flush()
        process.wait()
    with Workspace.open(tmp_path, write=True) as workspace:
        assert len(workspace.events()) == 1


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(WorkspaceError, match=r"holds no workspace: workspace\.sqlite is missing"):
        Workspace.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        Workspace.create(tmp_path / "file" / "in", VIDEO)
    Workspace.create(tmp_path, VIDEO).close()
    with pytest.raises(WorkspaceError, match="holds a workspace already; open it"):
        Workspace.create(tmp_path, VIDEO)
    assert Workspace.exists(tmp_path)
    assert not Workspace.exists(tmp_path / "file")


def test_overwriting_empties_it_and_touches_no_other_file(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, range(3))
    other = VideoIdentity("other", "x", SIZE)
    with Workspace.create(tmp_path, other, overwrite=True) as workspace:
        assert (workspace.events(), workspace.objects(), list(workspace.frames())) == ([], [], [])
        assert workspace.video == other
        with pytest.raises(WorkspaceInUseError):
            Workspace.create(tmp_path, VIDEO, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_runs_are_noted(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        run = workspace.runs.begin({"stride": 2}, "micro", "f00d")
        assert (run.state, run.frames, run.ended) == (RunState.TRACKING, 0, None)
        assert [event.run_id for event in workspace.events()] == [run.run_id]
        workspace.runs.save(run.run_id, RunState.FINISHED, 12)
        (again,) = workspace.runs.all()
        assert (again.state, again.frames, again.settings, again.weights_hash) == (
            "finished",
            12,
            {"stride": 2},
            "f00d",
        )
        assert again.ended is not None
        with pytest.raises(WorkspaceError, match="there is no run 7"):
            workspace.runs.get(7)


def test_video_marks_of_a_kind_replace_older_ones(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        workspace.put_video_marks({"cut": [(5, 6, 0.5), (2, 3, None)]})
        workspace.put_video_marks({"blur": [(1, 9, 0.1)]})
        workspace.put_video_marks({"cut": [(7, 8, 1.0)]})
        assert workspace.video_marks("cut") == [(7, 8, 1.0)]
        workspace.undo()
        assert workspace.video_marks("cut") == [(2, 3, None), (5, 6, 0.5)]
        assert workspace.video_marks("blur") == [(1, 9, 0.1)]


def test_video_marks_of_several_kinds_are_one_act(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        workspace.put_video_marks({"cut": [(5, 6, None)]})
        act = workspace.put_video_marks({"cut": [], "black": [(1, 2, 0.5)]}, author="Ada")
        assert [event.event_id for event in workspace.events()][-1] == act.event_id
        assert (workspace.video_marks("cut"), workspace.video_marks("black")) == ([], [(1, 2, 0.5)])
        workspace.undo()
        assert (workspace.video_marks("cut"), workspace.video_marks("black")) == ([(5, 6, None)], [])
        workspace.record("video_mark", payload={"kind": "smoke"})  # as written before marks of kinds were one act
        assert workspace.video_marks("cut") == [(5, 6, None)]


def test_what_lies_in_the_file_can_be_read_by_any_sqlite(tmp_path):
    import sqlite3

    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, [0])
    connection = sqlite3.connect(tmp_path / "workspace.sqlite")
    row = connection.execute("SELECT object_id, frame, pts, layer, state, iou, category FROM shown_masks").fetchone()
    assert row == (1, 0, "0/1", "propagated", "visible", 0.9, "grasper")
    assert json.loads(connection.execute("SELECT value FROM meta").fetchone()[0])["fps"] == "30000/1001"
    connection.close()


def test_a_read_only_folder_can_be_read(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, [0])
        workspace.accept([1], 0, 1)
    tmp_path.chmod(0o500)
    try:
        with Workspace.open(tmp_path) as workspace:
            assert workspace.accepted(1) == [FrameSpan(0, 1)]
            assert masks_of(workspace)
    finally:
        tmp_path.chmod(0o700)
