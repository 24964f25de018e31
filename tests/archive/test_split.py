"""A video divided at its cut and joined again: every frame once, every object under one id."""

import numpy as np
import pytest

from sam2s.archive import ArchiveJob, JobState, JobStatus
from sam2s.archive.jobs import read_jobs, write_jobs
from sam2s.archive.parts import VideoPart
from sam2s.archive.split import join_parts, parts_of, split_job
from sam2s.errors import OutputError
from sam2s.masks import rle
from sam2s.synth import Scene
from sam2s.tracking.results import ObjectState
from sam2s.video import VideoWriter
from sam2s.workspace import FrameRecord, ObjectInfo, ObjectRecord, VideoIdentity, Workspace

SIZE = (48, 64)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "op.mp4"
    with VideoWriter(path, (96, 96), 25) as writer:
        for seed in (3, 4):
            scene = Scene(seed, 96, 20, drift=0.0)
            for t in range(20):
                writer.write(scene.render(t)[0])
    return path


def test_a_video_is_divided_at_its_cut_and_the_jobs_read_back(video, tmp_path):
    job = ArchiveJob("op", str(video), proposer="detectors.mine:f", settings={"stride": 1})
    parts = split_job(job, longest=25, overlap=4)
    assert [part.name for part in parts] == ["op.part-001", "op.part-002"]
    assert [(part.settings["start"], part.settings["stop"]) for part in parts] == [(0, 24), (20, 40)]
    assert split_job(job, longest=100, overlap=4) == [job]
    write_jobs(parts, tmp_path / "parts.jsonl")
    assert read_jobs(tmp_path / "parts.jsonl") == parts


def square(x):
    mask = np.zeros(SIZE, bool)
    mask[10:30, x : x + 12] = True
    return mask


def write(folder, names, masks):
    """A workspace with the masks of `masks`: by frame, by id."""
    with Workspace.create(folder, VideoIdentity("op", "f", SIZE)) as workspace:
        for object_id, name in names.items():
            workspace.put_object(ObjectInfo(object_id, name))
        event = workspace.record("propagate")
        for frame, objects in masks.items():
            records = {
                i: ObjectRecord(i, rle.encode(mask), 0.9, 0.8, ObjectState.VISIBLE) for i, mask in objects.items()
            }
            workspace.write_frame(FrameRecord(frame, None, records), event.event_id)
    return folder


def test_ids_are_joined_and_every_frame_comes_from_one_part(tmp_path):
    first = {frame: {1: square(0), 2: square(40)} for frame in range(6)}
    second = {frame: {1: square(40), 2: square(1), 3: square(20)} for frame in range(4, 10)}
    folders = [
        write(tmp_path / "a", {1: "grasper", 2: "hook"}, first),
        write(tmp_path / "b", {1: "hook", 2: "grasper", 3: "clip"}, second),
    ]
    ids = join_parts(folders, [VideoPart(1, 0, 6), VideoPart(2, 4, 10)], tmp_path / "op")
    assert ids == {1: {1: 1, 2: 2}, 2: {1: 2, 2: 1, 3: 3}}
    with Workspace.open(tmp_path / "op") as joined:
        assert {info.object_id: info.name for info in joined.objects()} == {1: "grasper", 2: "hook", 3: "clip"}
        assert joined.frame_indices().tolist() == list(range(10))
        assert set(joined.read_frame(4).objects) == {
            1,
            2,
        }  # of the shared frames 4 and 5 the first is the earlier part's
        assert set(joined.read_frame(5).objects) == {1, 2, 3}
        assert np.array_equal(joined.read_frame(4).objects[1].mask, square(0))
        assert np.array_equal(joined.read_frame(5).objects[1].mask, square(1))
        assert np.array_equal(joined.read_frame(9).objects[2].mask, square(40))
    with pytest.raises(OutputError, match="holds a workspace already"):
        join_parts(folders, [VideoPart(1, 0, 6), VideoPart(2, 4, 10)], tmp_path / "op")


def status(name, state, start, stop):
    return JobStatus(ArchiveJob(name, "v", prompts="p", settings={"start": start, "stop": stop}), state)


def test_only_finished_parts_are_joined():
    done, failed = JobState.DONE, JobState.FAILED
    statuses = [status("op.part-002", done, 5, 9), status("op.part-001", done, 0, 6), status("other", done, 0, 1)]
    assert [name for name, _ in parts_of("op", statuses)] == ["op.part-001", "op.part-002"]
    with pytest.raises(OutputError, match=r"op\.part-003 is failed; parts can be joined when all are done"):
        parts_of("op", [*statuses, status("op.part-003", failed, 8, 12)])
    with pytest.raises(OutputError, match="the archive has no parts of 'x'"):
        parts_of("x", statuses)
