"""The timeline counts what one would count row by row, whatever the rows are and however they are divided."""

import random

import numpy as np
import pytest

from sam2s.errors import WorkspaceError
from sam2s.masks import rle
from sam2s.tracking import Alarm, MaskQuality, ObjectState
from sam2s.workspace import FrameRecord, Layer, ObjectInfo, ObjectRecord, Workspace
from workspace_tools import VIDEO

FRAMES = 150
MASK = rle.encode(np.ones(VIDEO.size, bool))
LAYERS = {
    "accepted": Layer.ACCEPTED,
    "brushed": Layer.BRUSHED,
    "imported": Layer.IMPORTED,
}
STATES = {
    "uncertain": ObjectState.UNCERTAIN,
    "searching": ObjectState.SEARCHING,
    "not_judged": ObjectState.NOT_JUDGED,
}


def fill_at_random(workspace, rng):
    """Masks of every layer, state and judgement on two thirds of the frames; returns what is shown by frame."""
    workspace.put_object(ObjectInfo(1, "grasper"))
    event = workspace.record("propagate").event_id
    shown = {}
    for frame in rng.sample(range(FRAMES), 2 * FRAMES // 3):
        layer = rng.choice([Layer.PROPAGATED, Layer.PROPAGATED, Layer.PROMPTED, *LAYERS.values()])
        judged = rng.random() < 0.5
        quality = MaskQuality(0.8, round(rng.random(), 5), rng.choice([(), (Alarm.LEAK,)])) if judged else None
        iou, presence = round(rng.random(), 5), round(rng.random(), 5)
        state = rng.choice(list(ObjectState))
        prompted = rng.random() < 0.1
        entry = ObjectRecord(1, MASK, iou, presence, state, prompted, quality=quality)
        workspace.write_frame(FrameRecord(frame, None, {1: entry}), event, layer=layer)
        shown[frame] = layer, entry
    return shown


def count(shown, start, stop):
    """One column by the definition, in plain Python."""
    rows = [row for frame, row in shown.items() if start <= frame < stop]
    seen = [entry for _, entry in rows if entry.state == ObjectState.VISIBLE]
    confidence = [min(e.iou, e.presence) if e.quality is None else 1 - e.quality.doubt for e in seen]
    return {
        "start": start,
        "stop": stop,
        "frames": len(rows),
        "present": len(seen) / len(rows) if rows else 0,
        "min_confidence": min(confidence, default=0),
        "prompted": sum(entry.prompted or layer == Layer.PROMPTED for layer, entry in rows),
        "alarms": sum(bool(entry.quality and entry.quality.alarms) for _, entry in rows),
        **{name: sum(found == layer for found, _ in rows) for name, layer in LAYERS.items()},
        **{name: sum(entry.state == state for _, entry in rows) for name, state in STATES.items()},
        "deleted": 0,
    }


@pytest.mark.parametrize("columns", [1, 7, 64, FRAMES, 10 * FRAMES])
@pytest.mark.parametrize(("start", "stop"), [(0, FRAMES), (13, 119), (140, 400)])
def test_every_column_says_what_counting_its_rows_says(tmp_path, columns, start, stop):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        shown = fill_at_random(workspace, random.Random(columns))
        table = workspace.timeline(1, start, stop, columns)
        assert len(table) == min(columns, stop - start)
        assert table["start"][0] == start
        assert table["stop"][-1] == stop
        for column in table:
            wanted = count(shown, int(column["start"]), int(column["stop"]))
            assert {name: column[name] for name in wanted} == pytest.approx(wanted, abs=2e-5)
            assert set(wanted) == set(table.dtype.names)


def test_deleted_masks_are_counted_and_leave_no_frame(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        shown = fill_at_random(workspace, random.Random(1))
        free = [frame for frame, (layer, _) in shown.items() if layer != Layer.ACCEPTED]
        workspace.delete_masks([1], 0, FRAMES)
        (column,) = workspace.timeline(1, 0, FRAMES, 1)
        assert (column["deleted"], column["frames"]) == (len(free), len(shown) - len(free))


@pytest.mark.parametrize(("start", "stop", "columns"), [(-1, 5, 1), (5, 5, 1), (0, 5, 0)])
def test_an_empty_one_is_refused(tmp_path, start, stop, columns):
    with (
        Workspace.create(tmp_path, VIDEO) as workspace,
        pytest.raises(WorkspaceError, match=f"a timeline from frame {start} to {stop} in {columns} parts is empty"),
    ):
        workspace.timeline(1, start, stop, columns)


@pytest.mark.parametrize("frame", [0, 40, 75, FRAMES])
def test_the_nearest_given_frames_are_the_nearest_of_all(tmp_path, frame):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill_at_random(workspace, random.Random(3))
        given = [one for one in workspace.given_frames(1) if one[0] != frame]
        nearest = sorted(given, key=lambda one: (abs(one[0] - frame), one[0]))
        for count in (1, 4, FRAMES):
            assert workspace.given_frames_near(1, frame, count) == nearest[:count]
        assert workspace.given_frames(1, limit=3) == workspace.given_frames(1)[:3]
        assert workspace.given_frames_near(2, frame, 4) == []


def test_given_frames_are_those_that_a_person_gave_or_accepted(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        shown = fill_at_random(workspace, random.Random(2))
        wanted = [(frame, layer) for frame, (layer, _) in sorted(shown.items()) if layer != Layer.PROPAGATED]
        assert [(frame, layer) for frame, _, layer in workspace.given_frames(1)] == wanted
        workspace.delete_masks([1], 0, FRAMES)
        accepted = [(frame, layer) for frame, layer in wanted if layer == Layer.ACCEPTED]
        assert [(frame, layer) for frame, _, layer in workspace.given_frames(1)] == accepted
