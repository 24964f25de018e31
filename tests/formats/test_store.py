import errno
import io
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import result_tools
from result_tools import make_result, wandering
from sam2s.errors import OutputError
from sam2s.formats.run_info import RunInfo
from sam2s.formats.store import MaskStore, State
from sam2s.masks.postprocess import clean


def fill(folder, info, indices):
    with MaskStore.open(folder, info) as store:
        for index in indices:
            store.append(make_result(index))


def test_round_trip(tmp_path, info):
    fill(tmp_path / "run", info, range(7))
    store = MaskStore.read(tmp_path / "run")
    assert store.info == info
    assert store.last_index == 6
    assert store.frames_done().tolist() == list(range(7))
    for index, record in enumerate(store.records()):
        assert record.index == index
        assert record.pts == Fraction(index * 1001, 30000)
        for object_id, entry in record.objects.items():
            expected = make_result(index).objects[object_id]
            assert np.array_equal(entry.mask, expected.mask)
            assert np.array_equal(entry.mask, wandering(index, object_id))
            for name in ("object_id", "iou", "presence", "state", "prompted", "category", "category_probability"):
                assert getattr(entry, name) == getattr(expected, name)


def test_frames_in_any_order_and_the_newest_counts(tmp_path, info):
    with MaskStore.open(tmp_path, info) as store:
        for index in (5, 6, 4, 3):
            store.append(make_result(index))
        store.append(make_result(5, ids=(1,)))
    records = list(MaskStore.read(tmp_path).records())
    assert [record.index for record in records] == [3, 4, 5, 6]
    assert [list(record.objects) for record in records] == [[1, 2], [1, 2], [1], [1, 2]]


def test_any_cut_loses_only_the_torn_frame(tmp_path, info):
    fill(tmp_path, info, range(3))
    log = tmp_path / "masks.jsonl"
    whole = log.read_bytes()
    ends = [position + 1 for position, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(ends[1] - 3, len(whole) + 1):
        log.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        assert MaskStore.read(tmp_path).frames_done().tolist() == list(range(kept))
        with MaskStore.open(tmp_path, info) as store:
            assert store.last_index == (kept - 1 if kept else None)
            for index in range(kept, 3):
                store.append(make_result(index))
        assert log.read_bytes() == whole


def test_zeros_after_a_power_cut(tmp_path, info):
    fill(tmp_path, info, range(2))
    with (tmp_path / "masks.jsonl").open("ab") as log:
        log.write(bytes(5000))
    fill(tmp_path, info, [2])
    assert [record.index for record in MaskStore.read(tmp_path).records()] == [0, 1, 2]


def test_kill_while_writing(tmp_path, info):
    script = f"""
import sys; sys.path.insert(0, {str(Path(result_tools.__file__).parent)!r})
from result_tools import make_result
from sam2s.formats.store import MaskStore
store = MaskStore.open({str(tmp_path)!r}, MaskStore.read({str(tmp_path)!r}).info)
for index in range(10**6):
    store.append(make_result(index))
    print(index, flush=True)
"""
    fill(tmp_path, info, [])
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        for _ in range(20):
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    with MaskStore.open(tmp_path, info) as store:
        assert store.last_index >= said
        assert store.frames_done().tolist() == list(range(store.last_index + 1))
        assert all(np.array_equal(r.objects[1].mask, wandering(r.index, 1)) for r in store.records())


def test_damage_in_the_middle_is_not_passed_over(tmp_path, info):
    fill(tmp_path, info, range(4))
    lines = (tmp_path / "masks.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "masks.jsonl").write_bytes(lines[0] + lines[1][9:] + lines[2] + lines[3])
    with pytest.raises(OutputError, match=rf"damaged at byte {len(lines[0])}, with frames after it; .*--overwrite"):
        MaskStore.open(tmp_path, info)
    (tmp_path / "masks.jsonl").write_bytes(lines[0] + lines[1][:20] + lines[1][30:] + lines[2])
    with pytest.raises(OutputError, match=r"frame 1 is damaged"):
        list(MaskStore.read(tmp_path).records())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fingerprint": "x", "source": "b.mp4"}, r"belongs to another video: clip there, b.mp4 now"),
        (
            {"settings": {"image_size": 512}},
            r"settings.image_size is 256 there and 512 now; settings.stride is 1 there",
        ),
        ({"prompts": []}, r"holds a run of clip made otherwise: prompts differ"),
        ({"weights_hash": "beef"}, r"weights.hash is f00d there and beef now"),
        ({"policy": {"name": "sam2", "long_term": 4}}, r"policy.name is divemem there and sam2 now"),
        ({"names": {1: "grasper"}}, r"names.2 is hook there and None now"),
    ],
)
def test_another_run_is_refused(tmp_path, info, change, message):
    fill(tmp_path, info, range(2))
    with pytest.raises(OutputError, match=message + r".*; give another output folder \(--out\) or .*\(--overwrite\)"):
        MaskStore.open(tmp_path, replace(info, **change))
    assert MaskStore.read(tmp_path).last_index == 1


def test_a_renamed_video_is_the_same(tmp_path, info):
    fill(tmp_path, info, range(2))
    with MaskStore.open(tmp_path, replace(info, source="renamed")) as store:
        assert store.last_index == 1


def test_overwrite_forgets_the_run_and_nothing_else(tmp_path, info):
    (tmp_path / "notes.txt").write_text("mine")
    with MaskStore.open(tmp_path, info) as store:
        store.append(make_result(0))
        store.save_state(State.FINISHED)
        (tmp_path / "masks.csv").write_text("mine too")
        with pytest.raises(OutputError, match=r"masks.csv is there and is no export of the run in .*; move it or give"):
            store.claim("csv")
        store.claim("coco").write_text("ours")
        (store.claim("davis") / "clip").mkdir(parents=True)
    other = replace(info, fingerprint="x", source="other")
    with MaskStore.open(tmp_path, other, overwrite=True) as store:
        assert store.last_index is None
        assert store.load_state() is State.TRACKING
    assert sorted(path.name for path in tmp_path.iterdir()) == ["masks.csv", "masks.jsonl", "notes.txt", "run.json"]
    assert MaskStore.read(tmp_path).info == other
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_state(tmp_path, info):
    with MaskStore.open(tmp_path, info) as store:
        assert store.load_state() is State.TRACKING
        store.save_state(State.TRACKING)
        store.save_state(State.FINISHED)
    assert MaskStore.read(tmp_path).load_state() is State.FINISHED
    (tmp_path / "state.bin").write_bytes(b"\xff")
    assert MaskStore.read(tmp_path).load_state() is State.TRACKING


def test_one_writer_at_a_time(tmp_path, info):
    with MaskStore.open(tmp_path, info) as store:
        store.append(make_result(0))
        with pytest.raises(OutputError, match="another process is writing to"):
            MaskStore.open(tmp_path, info)
        reader = MaskStore.read(tmp_path)
        assert reader.last_index == 0
        with pytest.raises(OutputError, match=r"open for reading only; use MaskStore\.open"):
            reader.append(make_result(1))


def test_full_disk(tmp_path, info):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = MaskStore.open(tmp_path, info)
    store.append(make_result(0))
    before = (tmp_path / "masks.jsonl").stat().st_size
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before + 100, limits[1]))
        with pytest.raises(
            OutputError, match=r"cannot write .*masks.jsonl: File too large; .*all up to frame 0 are saved"
        ):
            store.append(make_result(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "masks.jsonl").stat().st_size == before
    store.append(make_result(1))
    store.close()
    assert MaskStore.read(tmp_path).last_index == 1


def test_a_disk_that_is_full_at_the_end(tmp_path, info, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = MaskStore.open(tmp_path, info)
    store.append(make_result(0))
    monkeypatch.setattr(os, "fsync", full)
    for act in (lambda: store.save_state(State.TRACKING), store.close):
        with pytest.raises(OutputError, match=r"cannot write .*masks.jsonl: No space left on device; free space"):
            act()
    store.close()


def test_a_torn_line_that_cannot_be_cut_off_is_followed_by_none(tmp_path, info):
    class Broken(io.FileIO):
        def write(self, data):
            super().write(bytes(data)[:9])
            raise OSError(errno.EIO, "Input/output error")

        def truncate(self, size=None):
            raise OSError(errno.EIO, "Input/output error")

    store = MaskStore.open(tmp_path, info)
    store.append(make_result(0))
    store._log = Broken(tmp_path / "masks.jsonl", "ab")
    with pytest.raises(OutputError, match=r"Input/output error; .*all up to frame 0 are saved"):
        store.append(make_result(1))
    with pytest.raises(OutputError, match="open for reading only"):
        store.append(make_result(1))
    fill(tmp_path, info, [1])
    assert MaskStore.read(tmp_path).frames_done().tolist() == [0, 1]


def test_folders_that_cannot_be_used(tmp_path, info):
    with pytest.raises(OutputError, match=r"holds no run: run\.json is missing"):
        MaskStore.read(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        MaskStore.open(tmp_path / "file", info)
    (tmp_path / "masks.jsonl").write_text("{}")
    with pytest.raises(OutputError, match=r"holds masks.jsonl but no run.json"):
        MaskStore.open(tmp_path, info)
    (tmp_path / "run.json").write_text('{"schema": 99}')
    with pytest.raises(OutputError, match=r"has schema 99, this version of sam2s reads 1"):
        MaskStore.open(tmp_path, info)
    (tmp_path / "run.json").write_text('{"schema": 1}')
    with pytest.raises(OutputError, match=r"run.json is damaged \('source'\)"):
        MaskStore.read(tmp_path)


def test_masks_can_be_cleaned_on_the_way(tmp_path, info):
    with MaskStore.open(tmp_path, info) as store:
        store.append(make_result(0), clean=lambda mask: clean(~mask, keep_largest=True))
    record = next(MaskStore.read(tmp_path).records())
    assert np.array_equal(record.objects[1].mask, ~wandering(0, 1))


def test_a_run_without_clock_names_or_rate(tmp_path):
    info = RunInfo("folder", "f", (48, 64), None)
    with MaskStore.open(tmp_path, info) as store:
        store.append(make_result(0, time=None))
    store = MaskStore.read(tmp_path)
    assert store.info == info
    assert next(store.records()).pts is None
    assert store.info.name(1) == "object"
