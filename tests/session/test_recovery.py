"""Bad days: damaged snapshots, kills at any act, several threads, forked children, scripts that end half way."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from model_tools import nano
from sam2s.errors import OutputError
from sam2s.memory import MemoryPolicy
from sam2s.session import VideoSession
from sam2s.session.folder import TemporaryFolder, check_session_folder, remove_session_files
from sam2s.tracking import Box, Points
from tracking_tools import bits, same, source

ANY = MemoryPolicy(iou_threshold=0.0, candidates=3)
CLICK, BOX, FIX = Points([(30, 20)]), Box(4, 4, 40, 30), Points([(50, 30)], [0])
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def model():
    return nano()


def begun(model, folder):
    """Two objects, tracked to frame 11, with a snapshot after every third frame."""
    session = VideoSession(model, source(18), policy=ANY, folder=folder, snapshot_every=3)
    session.add_prompt(frame=0, object_id=1, prompt=CLICK)
    session.add_prompt(frame=0, object_id=2, prompt=BOX)
    shown = [bits(result) for result in session.propagate(stop=12)]
    return session, shown


def flip(path, place=0.9):
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 0x20
    path.write_bytes(data)


def test_a_damaged_snapshot_is_refused_and_what_it_held_computed_again(model, tmp_path):
    _, shown = begun(model, tmp_path)
    flip(tmp_path / "p0-after11.snapshot")
    with pytest.raises(OutputError, match=r"p0-after11.snapshot is damaged \(its checksum differs\).*recompute=True"):
        VideoSession.reopen(model, source(18), tmp_path, snapshot_every=3)
    again = VideoSession.reopen(model, source(18), tmp_path, snapshot_every=3, recompute=True)
    assert again.next_frame == 9
    results = [bits(result) for result in again.propagate(again.next_frame, 12)]
    assert all(same(a, b) for a, b in zip(results, shown[9:], strict=True))


def test_with_all_snapshots_damaged_everything_is_computed_again(model, tmp_path):
    _, shown = begun(model, tmp_path)
    for path in tmp_path.glob("*.snapshot"):
        flip(path)
    again = VideoSession.reopen(model, source(18), tmp_path, recompute=True)
    assert again.next_frame is None
    results = [bits(result) for result in again.propagate(stop=12)]
    assert all(same(a, b) for a, b in zip(results, shown, strict=True))
    assert [event.kind for event in again.events] == ["prompt", "prompt"]


def test_acts_after_an_intact_snapshot_are_done_again(model, tmp_path):
    session, _ = begun(model, tmp_path / "a")
    other, _ = begun(model, tmp_path / "b")
    for each in (session, other):
        each.add_prompt(frame=4, object_id=1, prompt=FIX)
        list(each.propagate(4, 8))
    newest = max((tmp_path / "b").glob("p1-*"), key=lambda path: int(path.stem.split("after")[1]))
    flip(newest)
    again = VideoSession.reopen(model, source(18), tmp_path / "b", snapshot_every=3, recompute=True)
    assert [event.frame for event in again.events] == [0, 0, 4]
    a = [bits(r) for r in session.propagate(4, 8)]
    b = [bits(r) for r in again.propagate(4, 8)]
    assert all(same(x, y) for x, y in zip(a, b, strict=True))


def test_a_damaged_snapshot_met_on_the_way_is_named(model, tmp_path):
    session, _ = begun(model, tmp_path)
    flip(tmp_path / "p0-after5.snapshot")
    with pytest.raises(OutputError, match=r"p0-after5\.snapshot is damaged"):
        session.add_prompt(frame=7, object_id=1, prompt=FIX)
    assert len(session.events) == 2
    session.add_prompt(frame=10, object_id=1, prompt=FIX)


@pytest.mark.parametrize("place", [0.3, 0.7])
def test_a_damaged_record_is_refused(model, tmp_path, place):
    begun(model, tmp_path)
    flip(tmp_path / "session.json", place)
    with pytest.raises(OutputError, match=r"has no session that can be resumed .*; give another output folder"):
        VideoSession.reopen(model, source(18), tmp_path)


def test_a_kill_after_any_act_loses_nothing(model, tmp_path):
    """Reopened from what lies on disk after each act, the session goes on as one that was never killed."""
    acts = [
        lambda s: s.add_prompt(frame=0, object_id=1, prompt=CLICK),
        lambda s: list(s.propagate(stop=5)),
        lambda s: s.add_prompt(frame=3, object_id=1, prompt=FIX),
        lambda s: s.add_prompt(frame=3, object_id=2, prompt=BOX),
        lambda s: s.clear_prompts(frame=3, object_id=1),
        lambda s: list(s.propagate(3, 8)),
        lambda s: s.end_object(frame=7, object_id=2),
        lambda s: s.add_prompt(frame=4, object_id=3, prompt=BOX),
        lambda s: s.remove_object(object_id=3),
    ]
    plain = VideoSession(model, source(10), policy=ANY, folder=tmp_path / "a", snapshot_every=2)
    killed = VideoSession(model, source(10), policy=ANY, folder=tmp_path / "b", snapshot_every=2)
    for act in acts:
        act(plain)
        act(killed)
        killed.checkpoint()
        killed = VideoSession.reopen(model, source(10), tmp_path / "b", snapshot_every=2)
        assert [e.kind for e in killed.events] == [e.kind for e in plain.events]
    a, b = ([bits(r) for r in session.propagate(2)] for session in (plain, killed))
    assert all(same(x, y) for x, y in zip(a, b, strict=True))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    check_session_folder(tmp_path)
    (tmp_path / "session.json").write_text('{"mine": 1}')
    with pytest.raises(OutputError, match=r"session.json is there and is not a record of a session"):
        check_session_folder(tmp_path)


def test_only_our_files_are_removed(model, tmp_path):
    begun(model, tmp_path / "s")
    (tmp_path / "s" / "notes.txt").write_text("mine")
    remove_session_files(tmp_path / "s")
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["notes.txt"]
    (tmp_path / "s" / "notes.txt").unlink()
    remove_session_files(tmp_path / "s")
    assert not (tmp_path / "s").exists()
    remove_session_files(tmp_path / "s")


def test_prompts_from_another_thread_are_answered_as_from_this_one(model):
    def script(session, call):
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        shown = []
        for result in session.propagate(stop=12):
            shown.append(bits(result))
            if result.index == 6:
                call(lambda: session.add_prompt(frame=3, object_id=1, prompt=FIX))
            if result.index == 9:
                call(lambda: session.add_prompt(frame=9, object_id=2, prompt=BOX))
        return shown

    def in_thread(act):
        failed = []

        def run():
            try:
                act()
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert not failed

    with VideoSession(model, source(12), policy=ANY) as a, VideoSession(model, source(12), policy=ANY) as b:
        assert all(same(x, y) for x, y in zip(script(a, lambda act: act()), script(b, in_thread), strict=True))


def test_threads_may_point_while_a_propagation_runs(model):
    failed = []
    with VideoSession(model, source(24), policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)

        def point(object_id):
            try:
                for frame in range(0, 20, 5):
                    session.add_prompt(frame=frame, object_id=object_id, prompt=BOX)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=point, args=(object_id,)) for object_id in (2, 3)]
        frames = []
        for result in session.propagate():
            frames.append(result.index)
            if result.index == 2:
                for thread in threads:
                    thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        assert frames == list(range(24))
        assert len(session.events) == 9
        assert sorted(next(session.propagate(23)).objects) == [1, 2, 3]


def test_a_forked_child_leaves_the_folder_of_its_parent(model):
    folder = TemporaryFolder()
    (folder.path / "file").write_text("")
    child = os.fork()
    if child == 0:
        folder.remove()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (folder.path / "file").exists()
    folder.remove()
    assert not folder.path.exists()
    folder.remove()


def test_the_temporary_folder_goes_with_the_session(model):
    session = VideoSession(model, source(3))
    path = session.folder
    session.add_prompt(frame=0, object_id=1, prompt=CLICK)
    list(session.propagate())
    assert path.exists()
    session.close()
    session.close()
    assert not path.exists()
    path = VideoSession(model, source(3)).folder
    assert not path.exists()


SCRIPT = """
import torch
from model_tools import nano
from sam2s.session import VideoSession
from sam2s.tracking import Points, feature_prefetch
from tracking_tools import source

feature_prefetch.cores = lambda: torch.get_num_threads() + 1
session = VideoSession(nano(image_size=256), source(40, height=480, width=640))
session.add_prompt(frame=0, object_id=1, prompt=Points([(30, 20)]))
suspended = [session.propagate() for _ in range(3)]
for propagation in suspended:
    next(propagation)
print("end")
"""


@pytest.mark.slow
def test_a_script_may_end_with_a_suspended_propagation():
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, timeout=120)
        assert (done.returncode, done.stdout) == (0, b"end\n"), done.stderr
