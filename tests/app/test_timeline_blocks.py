"""Blocks say what the workspace says, whatever was written or taken back meanwhile."""

import random

import numpy as np
import pytest

from sam2s.app import timeline_blocks
from sam2s.app.timeline_blocks import BLOCK, TimelineBlocks, add_up
from sam2s.masks import rle
from sam2s.tracking import ObjectState
from sam2s.workspace import FrameRecord, Layer, ObjectInfo, ObjectRecord, VideoIdentity, Workspace, WorkspaceReader

FRAMES = 10 * BLOCK
MASK = rle.encode(np.ones((4, 6), bool))


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create(tmp_path / "w", VideoIdentity("clip", "f", (4, 6))) as made:
        for object_id in (1, 2):
            made.put_object(ObjectInfo(object_id, f"tool {object_id}"))
        yield made


def write(workspace, rng, frames, *, layer=Layer.PROPAGATED, objects=(1, 2)):
    event = workspace.record("propagate").event_id
    for frame in frames:
        states = {i: rng.choice([ObjectState.VISIBLE, ObjectState.VISIBLE, ObjectState.ABSENT]) for i in objects}
        entries = {i: ObjectRecord(i, MASK, rng.random(), rng.random(), state) for i, state in states.items()}
        workspace.write_frame(FrameRecord(frame, None, entries), event, layer=layer)
    return event


def same(blocks, workspace):
    for buckets in (10, 5, 2, 1):
        for object_id in (1, 2):
            got = blocks.timeline(workspace, object_id, 0, FRAMES, buckets)
            wanted = workspace.timeline(object_id, 0, FRAMES, buckets)
            for name in wanted.dtype.names:
                assert got[name] == pytest.approx(wanted[name], abs=1e-5), (name, buckets)


def test_they_follow_every_act(workspace):
    rng, blocks = random.Random(1), TimelineBlocks()
    same(blocks, workspace)
    first = write(workspace, rng, range(100, 400))
    same(blocks, workspace)
    second = write(workspace, rng, range(380, 520), objects=(2,))
    same(blocks, workspace)
    workspace.accept([1], 120, 200)
    same(blocks, workspace)
    workspace.undo(second)
    same(blocks, workspace)
    workspace.redo(second)
    workspace.delete_masks([1, 2], 300, 310)
    same(blocks, workspace)
    workspace.swap_objects(1, 2, 350)
    same(blocks, workspace)
    workspace.undo(first)
    same(blocks, workspace)


def test_one_event_that_goes_on_writing_is_followed(workspace):
    blocks, event = TimelineBlocks(), workspace.record("propagate").event_id
    for frame in range(0, 200, 3):
        entry = ObjectRecord(1, MASK, 0.9, 0.8, ObjectState.VISIBLE)
        workspace.write_frame(FrameRecord(frame, None, {1: entry}), event)
        assert blocks.timeline(workspace, 1, 0, FRAMES, 10)["frames"].sum() == frame // 3 + 1


def test_only_what_changed_is_counted_again(workspace, monkeypatch):
    blocks, asked = TimelineBlocks(), []
    write(workspace, random.Random(2), range(FRAMES))
    blocks.timeline(workspace, 1, 0, FRAMES, 1)
    whole = type(workspace).timeline

    def noted(reader, object_id, start, stop, buckets):
        asked.append((start, stop))
        return whole(reader, object_id, start, stop, buckets)

    monkeypatch.setattr(type(workspace), "timeline", noted)
    blocks.timeline(workspace, 1, 0, FRAMES, 5)
    assert asked == []
    write(workspace, random.Random(3), range(130, 132))
    blocks.timeline(workspace, 1, 0, FRAMES, 5)
    assert asked == [(2 * BLOCK, 3 * BLOCK)]
    blocks.timeline(workspace, 1, 0, 20, 20)
    assert asked[-1] == (0, 20)  # finer than a block


def test_confidence_counts_where_the_object_is_present():
    from sam2s.workspace.timeline import BUCKET

    blocks = np.zeros((1, 3), BUCKET)
    blocks["frames"], blocks["present"] = [[4, 4, 2]], [[0.5, 0.0, 1.0]]
    blocks["min_confidence"] = [[0.4, 0.0, 0.7]]
    (column,) = add_up(blocks)
    assert (column["frames"], column["present"]) == (10, pytest.approx(0.4))
    assert column["min_confidence"] == pytest.approx(0.4)


def test_counting_with_several_readers_says_the_same(workspace, monkeypatch):
    monkeypatch.setattr(timeline_blocks, "_MANY", 2)
    monkeypatch.setattr(timeline_blocks.os, "cpu_count", lambda: 3)
    blocks, asked = TimelineBlocks(), []
    write(workspace, random.Random(4), range(FRAMES))
    whole = WorkspaceReader.timeline

    def noted(reader, object_id, *span):
        asked.append((object_id, reader is workspace))
        return whole(reader, object_id, *span)

    monkeypatch.setattr(WorkspaceReader, "timeline", noted)
    blocks.count(workspace, [1, 2], 0, FRAMES, 5)
    assert sorted(asked) == [(1, False), (2, False)]
    blocks.count(workspace, [1, 2], 0, FRAMES, 5)
    blocks.count(workspace, [1, 2], 0, FRAMES, FRAMES)  # finer than a block: nothing to keep
    assert len(asked) == 2
    monkeypatch.undo()
    same(blocks, workspace)
