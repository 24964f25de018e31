"""Whatever is done ahead, and in whichever thread, the results are the same to the bit."""

import threading

import pytest
import torch

from model_tools import nano
from sam2s.errors import TruncatedSourceError
from sam2s.session import VideoSession
from sam2s.tracking import Points, Tracker, feature_prefetch
from tracking_tools import bits, same, source


@pytest.mark.parametrize("idle", [0, 1])
def test_every_schedule_gives_the_same_results(monkeypatch, idle):
    model, video, where = nano(), source(9), set()
    monkeypatch.setattr(feature_prefetch, "cores", lambda: torch.get_num_threads() + idle)
    encode_image = model.encode_image

    def noted(images):
        where.add(threading.current_thread().name)
        return encode_image(images)

    monkeypatch.setattr(model, "encode_image", noted)
    with VideoSession(model, video) as session:
        session.add_prompt(frame=0, object_id=1, prompt=Points([(30, 20)]))
        where.clear()
        results = [bits(result) for result in session.propagate()]
    assert where == {"sam2s-prefetch" if idle else "MainThread"}
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    assert all(same(ours, bits(tracker.step(frame))) for ours, frame in zip(results, video.frames(), strict=True))


def test_frames_before_an_error_come_in_bunches_too():
    def broken():
        yield from range(11)
        raise TruncatedSourceError("the rest is gone")

    seen = []
    with pytest.raises(TruncatedSourceError, match="the rest is gone"):
        seen.extend(feature_prefetch.batched_frames(broken(), 4))
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert [len(batch) for batch in feature_prefetch.batched_frames(range(8), 4)] == [4, 4]


def test_leaving_a_pass_leaves_no_thread():
    with VideoSession(nano(), source(9)) as session:
        session.add_prompt(frame=0, object_id=1, prompt=Points([(30, 20)]))
        run = session.propagate()
        next(run)
        run.close()
    assert all(thread.name != "sam2s-prefetch" for thread in threading.enumerate())
