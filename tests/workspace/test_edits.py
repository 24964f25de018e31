"""Acts on masks: accept, delete, merge, split, swap, each taken back by one undo; and all of it at random."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from result_tools import wandering
from sam2s.errors import WorkspaceError
from sam2s.workspace import FrameSpan, Layer, ObjectInfo, Workspace, prompt_distance
from workspace_tools import VIDEO, drawn, fill, masks_of, put

LEFT, RIGHT = [0, 0, 4, 4], [20, 20, 26, 25]


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, range(10))
        yield workspace
        assert workspace.check().problems == []


def shown(workspace, frame, object_id):
    entry = workspace.read_frame(frame).objects.get(object_id)
    return None if entry is None else entry.mask


def again(workspace, frames, boxes, **keywords):
    event = workspace.record("propagate").event_id
    for frame in frames:
        put(workspace, frame, 1, boxes, event, **keywords)


def test_accepted_masks_outlast_propagation(workspace):
    workspace.accept([1, 2], 2, 5, author="ana")
    assert workspace.accepted(1) == workspace.accepted(2) == [FrameSpan(2, 5)]
    again(workspace, range(10), [LEFT])
    assert [np.array_equal(shown(workspace, i, 1), wandering(i, 1)) for i in range(10)] == [
        2 <= i < 5 for i in range(10)
    ]
    workspace.unaccept([1], 3, 4)
    assert workspace.accepted(1) == [FrameSpan(2, 3), FrameSpan(4, 5)]
    assert np.array_equal(shown(workspace, 3, 1), drawn([LEFT]))
    assert workspace.is_accepted(1, 2)
    assert not workspace.is_accepted(1, 3)
    assert not workspace.is_accepted(1, 400)
    workspace.undo()
    assert workspace.accepted(1) == [FrameSpan(2, 5)]


def test_frames_without_a_mask_end_a_span(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, [0, 1, 2, 4, 5, 200])
        workspace.accept([1], 0, 300)
        assert workspace.accepted(1) == [FrameSpan(0, 3), FrameSpan(4, 6), FrameSpan(200, 201)]
        workspace.unaccept([1], 1, 2)
        assert workspace.accepted(1)[:2] == [FrameSpan(0, 1), FrameSpan(2, 3)]


def test_spans_of_a_run_with_a_stride_are_whole(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        workspace.runs.begin({"stride": 10}, "micro", "")
        fill(workspace, range(0, 100, 10))
        workspace.accept([1], 0, 41)
        workspace.accept([1], 60, 200)
        assert workspace.accepted(1) == [FrameSpan(0, 41), FrameSpan(60, 91)]


def test_accepting_nothing_is_refused_and_leaves_no_event(workspace):
    before = workspace.events()
    with pytest.raises(WorkspaceError, match="no mask of object 1 is shown in frames 50 to 60"):
        workspace.accept([1], 50, 60)
    with pytest.raises(WorkspaceError, match="frames 5 to 5 holds no frame; give a start from 0 up"):
        workspace.accept([1], 5, 5)
    with pytest.raises(WorkspaceError, match="there is no object 9; objects: 1, 2"):
        workspace.accept([9], 5, 6)
    with pytest.raises(WorkspaceError, match="no object is given"):
        workspace.accept([], 5, 6)
    assert workspace.events() == before


def test_deleted_masks_are_gone_but_not_accepted_ones(workspace):
    before = masks_of(workspace)
    workspace.accept([1], 3, 4)
    workspace.delete_masks([1], 2, 6)
    assert [i for i in range(10) if shown(workspace, i, 1) is not None] == [0, 1, 3, 6, 7, 8, 9]
    again(workspace, [2], [LEFT])
    assert np.array_equal(shown(workspace, 2, 1), drawn([LEFT]))
    for _ in range(3):
        workspace.undo()
    assert masks_of(workspace) == before


def test_the_brush_outlasts_propagation_and_the_eraser_too(workspace):
    event = workspace.record("brush", frame=4, object_id=1).event_id
    put(workspace, 4, 1, [], event, Layer.BRUSHED)
    again(workspace, range(10), [LEFT])
    assert not shown(workspace, 4, 1).any()
    assert workspace.read_frame(4).objects[1].layer is Layer.BRUSHED


def test_cleared_prompts_let_the_propagation_show(workspace):
    event = workspace.record("prompt", frame=4, object_id=1).event_id
    put(workspace, 4, 1, [LEFT], event, Layer.PROMPTED)
    assert np.array_equal(shown(workspace, 4, 1), drawn([LEFT]))
    workspace.clear_prompts(1, 4)
    assert np.array_equal(shown(workspace, 4, 1), wandering(4, 1))
    workspace.undo()
    assert np.array_equal(shown(workspace, 4, 1), drawn([LEFT]))


def test_forward_and_backward_meet_halfway(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        workspace.put_object(ObjectInfo(1))
        forward, backward = (workspace.record("propagate").event_id for _ in range(2))
        for frame in range(20):
            put(workspace, frame, 1, [LEFT], forward, distance=prompt_distance(frame, [0], reverse=False))
        for frame in range(20, -1, -1):
            put(workspace, frame, 1, [RIGHT], backward, distance=prompt_distance(frame, [20], reverse=True))
        events = [workspace.read_frame(frame).objects[1].event_id for frame in range(21)]
        assert events == [forward] * 10 + [backward] * 11


def test_merged_objects_are_one(workspace):
    before = masks_of(workspace)
    workspace.accept([1], 0, 1)
    workspace.delete_masks([1], 5, 6)
    workspace.merge_objects(1, 2, author="ana")
    assert [info.object_id for info in workspace.objects()] == [1]
    assert np.array_equal(shown(workspace, 0, 1), wandering(0, 1)), "accepted"
    assert np.array_equal(shown(workspace, 4, 1), wandering(4, 1) | wandering(4, 2))
    assert np.array_equal(shown(workspace, 2, 1), wandering(2, 1)), "the other is away"
    assert np.array_equal(shown(workspace, 5, 1), wandering(5, 2)), "the first was deleted"
    for _ in range(3):
        workspace.undo()
    assert masks_of(workspace) == before
    with pytest.raises(WorkspaceError, match="object 1 cannot be merged with itself"):
        workspace.merge_objects(1, 1)


def test_a_split_object_goes_on_as_another(workspace):
    before = masks_of(workspace)
    workspace.accept([1], 5, 7)
    assert workspace.split_object(1, 6) == 3
    assert [i for i in range(10) if shown(workspace, i, 1) is not None] == list(range(6))
    assert [i for i in range(10) if shown(workspace, i, 3) is not None] == list(range(6, 10))
    assert workspace.objects()[2].name == "grasper"
    assert (workspace.accepted(1), workspace.accepted(3)) == ([FrameSpan(5, 6)], [FrameSpan(6, 7)])
    workspace.undo()
    workspace.undo()
    assert masks_of(workspace) == before
    assert workspace.next_object_id() == 4, "an id is not used twice"
    with pytest.raises(WorkspaceError, match="object 1 has no masks from frame 50 on"):
        workspace.split_object(1, 50)


def test_swapped_objects_change_places_from_a_frame_on(workspace):
    workspace.delete_masks([2], 8, 9)
    workspace.accept([1], 7, 8)
    before = masks_of(workspace)
    workspace.swap_objects(1, 2, 5)
    after = masks_of(workspace)
    for frame in range(10):
        pair = (before.get((1, frame)), before.get((2, frame)))
        assert (after.get((1, frame)), after.get((2, frame))) == (pair if frame < 5 else pair[::-1])
    assert (workspace.accepted(1), workspace.accepted(2)) == ([], [FrameSpan(7, 8)])
    workspace.undo()
    assert masks_of(workspace) == before
    with pytest.raises(WorkspaceError, match="object 2 cannot be swapped with itself"):
        workspace.swap_objects(2, 2, 0)


FRAMES = st.integers(0, 5)
ACTS = st.one_of(
    st.tuples(st.just("propagate"), st.integers(1, 2), FRAMES, FRAMES, st.sampled_from([None, -2, -1, 1, 2])),
    st.tuples(st.sampled_from(["brush", "prompt", "clear"]), st.integers(1, 2), FRAMES),
    st.tuples(st.sampled_from(["accept", "unaccept", "delete"]), st.integers(1, 2), FRAMES, FRAMES),
    st.tuples(st.sampled_from(["merge", "swap", "split", "end", "remove"]), FRAMES),
    st.tuples(st.sampled_from(["undo", "redo"])),
    st.tuples(st.just("undo any"), st.integers(0, 20)),
)


def act(workspace, kind, values, number):
    if kind == "propagate":
        object_id, start, stop, distance = values
        event = workspace.record("propagate").event_id
        for frame in range(start, stop):
            put(workspace, frame, object_id, [[0, 0, 1 + number % 7, 1 + number // 7]], event, distance=distance)
    elif kind in ("brush", "prompt"):
        object_id, frame = values
        layer = Layer.BRUSHED if kind == "brush" else Layer.PROMPTED
        event = workspace.record(kind, frame=frame, object_id=object_id).event_id
        put(workspace, frame, object_id, [[9, 9, 10 + number % 7, 10 + number // 7]], event, layer)
    elif kind == "clear":
        workspace.clear_prompts(*values)
    elif kind in ("accept", "unaccept", "delete"):
        object_id, start, stop = values
        method = workspace.delete_masks if kind == "delete" else getattr(workspace, kind)
        method([object_id], start, stop)
    elif kind == "merge":
        workspace.merge_objects(1, 2)
    elif kind == "swap":
        workspace.swap_objects(1, 2, *values)
    elif kind == "split":
        workspace.split_object(1, *values)
    elif kind == "end":
        workspace.end_object(1, *values)
    else:
        workspace.remove_object(2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTS, min_size=1, max_size=14))
def test_any_acts_undone_and_done_again_show_what_they_showed(tmp_path_factory, acts):
    """The history in memory: what was seen after each act comes back, whatever is undone and done again."""
    with Workspace.create(tmp_path_factory.mktemp("w") / "x", VIDEO) as workspace:
        workspace.put_object(ObjectInfo(1, "a"))
        workspace.put_object(ObjectInfo(2, "b"))
        past, future = [(masks_of(workspace), workspace.objects())], []
        for number, (kind, *values) in enumerate(acts):
            if kind == "undo any":
                live = [event.event_id for event in workspace.events() if event.kind not in ("undo", "redo")]
                live = [i for i in live if not workspace.events(since=i - 1)[0].undone]
                chosen = live[values[0] % len(live)] if live else None
                if chosen is not None:
                    seen = masks_of(workspace), workspace.objects()
                    workspace.undo(chosen)
                    workspace.redo(chosen)
                    assert (masks_of(workspace), workspace.objects()) == seen
                    future = []  # the order of what can be done again has changed
            elif kind == "undo":
                if len(past) > 1:
                    workspace.undo()
                    future.append(past.pop())
                    assert (masks_of(workspace), workspace.objects()) == past[-1]
            elif kind == "redo":
                if future:
                    assert workspace.redo() is not None
                    past.append(future.pop())
                    assert (masks_of(workspace), workspace.objects()) == past[-1]
            else:
                try:
                    act(workspace, kind, values, number)
                except WorkspaceError:
                    assert (masks_of(workspace), workspace.objects()) == past[-1], "refused, so nothing was changed"
                    continue
                past.append((masks_of(workspace), workspace.objects()))
                future = []
        assert workspace.check().problems == []
