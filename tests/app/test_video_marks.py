"""What happens to the video is shown on the timeline and on the frame, as the workspace notes it last."""

from app_tools import disc, new_object, only_video, paint
from sam2s.app.video_marks import MARK_KINDS, VideoMarks
from sam2s.workspace import Workspace


def test_marks_are_read_again_when_the_workspace_changes(quiet, folder):
    video = only_video(quiet)
    paint(quiet, video, new_object(quiet, video), 0, disc())
    desk = quiet.app.state.context.desks.open(quiet.app.state.context.library.find(video.rsplit("/", 1)[1]))
    assert quiet.get(f"{video}/frames/5/masks").json()["marks"] == []
    desk.writer().put_video_marks({"out_of_body": [(4, 9, 0.8)]})
    desk.writer().put_video_marks({"cut": [(12, 13, None)]})
    marks = [quiet.get(f"{video}/frames/{frame}/masks").json()["marks"] for frame in (3, 4, 8, 9, 12)]
    assert marks == [[], ["out_of_body"], ["out_of_body"], [], ["cut"]]
    shown = quiet.get(f"{video}/timeline?start=0&stop=10&buckets=10").json()["marks"]
    assert shown == [{"kind": "out_of_body", "start": 4, "stop": 9}]
    desk.writer().put_video_marks({"out_of_body": []})
    assert quiet.get(f"{video}/frames/5/masks").json()["marks"] == []
    with Workspace.open(folder / "clip.mp4.sam2s") as reader:
        assert [mark.kind for mark in VideoMarks().all(reader)] == ["cut"]
    assert VideoMarks().all(None) == []
    assert len(set(MARK_KINDS)) == len(MARK_KINDS)
