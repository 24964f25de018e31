"""Events in a workspace, where the app finds them."""

import pytest

from sam2s.quality import EventKind, EventSpan, read_marks, write_marks
from sam2s.workspace import VideoIdentity, Workspace


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create(tmp_path / "w", VideoIdentity("v", "f", (8, 8))) as workspace:
        yield workspace


def test_marks_are_read_as_they_were_written_and_replaced_by_the_next(workspace):
    first = [EventSpan(EventKind.SMOKE, 3, 9), EventSpan(EventKind.CUT, 4, 5), EventSpan(EventKind.SMOKE, 20, 22)]
    write_marks(workspace, first)
    assert read_marks(workspace) == sorted(first, key=lambda span: span.start)
    write_marks(workspace, [EventSpan(EventKind.BLACK, 1, 2)])
    assert read_marks(workspace) == [EventSpan(EventKind.BLACK, 1, 2)]
    write_marks(workspace, [])
    assert read_marks(workspace) == []


def test_a_search_is_one_act_of_its_author_and_none_where_there_is_nothing_to_say(workspace):
    assert write_marks(workspace, []) is None
    assert workspace.events() == []
    spans = [EventSpan(EventKind.SMOKE, 3, 9), EventSpan(EventKind.CUT, 4, 5)]
    act = write_marks(workspace, spans, author="Ada")
    assert [(event.event_id, event.author) for event in workspace.events()] == [(act.event_id, "Ada")]
    write_marks(workspace, [EventSpan(EventKind.BLACK, 1, 2)], within=(0, 4))
    assert read_marks(workspace) == [EventSpan(EventKind.BLACK, 1, 2), EventSpan(EventKind.CUT, 4, 5)]
    workspace.undo()
    workspace.undo()
    assert read_marks(workspace) == []
