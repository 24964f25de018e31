"""Batches depend on the seed and the step alone: not on workers, resuming, or how a step is shared out."""

import pickle
import subprocess
import sys
import time
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from sam2s.errors import ConfigError, DatasetError
from sam2s.sasv.fixtures.drawing import disc
from sam2s.training.batch import ClipBatch
from sam2s.training.data import ClipSettings, ClipStream, SourceSettings, open_source, training_loader

SETTINGS = ClipSettings(size=64, frames=5, clips=1, pictures=2, strides=(1, 2))


@pytest.fixture(scope="module")
def scenes():
    return [open_source(SourceSettings(place="synthetic", length=40), size=64)]


def take(stream, count, **options):
    return list(islice(training_loader(stream, **options), count))


def same(first, second):
    return all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
        for f in fields(ClipBatch)
        for a, b in [(getattr(first, f.name), getattr(second, f.name))]
    )


def test_workers_and_resuming_change_nothing(scenes):
    stream = ClipStream(scenes, SETTINGS, ["hook"], seed=5)
    whole = take(stream, 6)
    for workers, start in ((0, 3), (1, 0), (2, 1)):
        part = take(stream, 3, workers=workers, start_step=start)
        assert all(map(same, part, whole[start:])), f"{workers} workers from step {start}"


def test_ranks_and_seeds_differ_but_ranks_agree_on_the_kind(scenes):
    ranks = [ClipStream(scenes, SETTINGS, seed=5, rank=r, world=2) for r in range(2)]
    for a, b in zip(*(take(rank, 8) for rank in ranks), strict=True):
        assert a.images.shape == b.images.shape
        assert a.long_term == b.long_term
        assert not torch.equal(a.images, b.images)
    other = ClipStream(scenes, SETTINGS, seed=6)
    assert [other.kind(k) for k in range(20)] != [ranks[0].kind(k) for k in range(20)]


def clips(batches):
    """Images of every clip of some batches, as bytes."""
    return {images.numpy().tobytes() for batch in batches for images in batch.images}


def test_a_step_is_the_same_however_it_is_shared_out(scenes):
    """Two processes, one that accumulates two batches, and one with batches of twice the size see the same clips."""
    two = [ClipStream(scenes, SETTINGS, seed=1, rank=r, world=2) for r in range(2)]
    one = ClipStream(scenes, SETTINGS, seed=1, accumulate=2)
    wide = ClipStream(scenes, replace(SETTINGS, clips=2, pictures=4), seed=1)
    for step in range(2):
        shared = clips([stream.batch(step) for stream in two])
        assert shared == clips([one.batch(2 * step), one.batch(2 * step + 1)])
        assert shared == clips([wide.batch(step)])


def test_shares_of_the_kinds(scenes):
    kinds = [ClipStream(scenes, SETTINGS).kind(step) for step in range(2000)]
    assert 0.17 < kinds.count("pictures") / 2000 < 0.23
    assert 0.46 < kinds.count("divemem") / (2000 - kinds.count("pictures")) < 0.54


@pytest.mark.parametrize(
    ("divemem", "picture_share", "kind"), [(1, 0, "divemem"), (0, 0, "consecutive"), (0, 1, "pictures")]
)
def test_shapes(scenes, divemem, picture_share, kind):
    stream = ClipStream(scenes, replace(SETTINGS, divemem=divemem, picture_share=picture_share))
    assert stream.kind(0) == kind
    batch = stream.batch(0)
    b, t = (2, 1) if kind == "pictures" else (1, 5)
    n = len(batch.owner)
    assert batch.images.shape == (b, t, 3, 64, 64)
    assert batch.images.dtype == torch.float32
    assert batch.masks.shape == (n, t, 64, 64)
    assert batch.masks.dtype == batch.known.dtype == torch.bool
    assert batch.masks[:, 0].flatten(1).any(1).all()
    assert batch.known.shape == (n, t)
    assert batch.category.dtype == batch.owner.dtype == batch.times.dtype == torch.int64
    assert batch.times.shape == (b, t)
    assert set(batch.owner.tolist()) == set(range(b))
    assert (batch.owner.bincount() <= 3).all()
    assert batch.long_term == (2 if kind == "divemem" else 0)


def test_a_stream_travels_to_another_process(scenes, tmp_path, add_video, discs):
    add_video(tmp_path, "a/film", {1: discs(6)})
    stream = ClipStream([*scenes, open_source(SourceSettings(place=str(tmp_path), jitter=0.1), size=64)], SETTINGS)
    assert same(pickle.loads(pickle.dumps(stream)).batch(3), stream.batch(3))


def test_clips_of_one_frame(scenes):
    stream = ClipStream(scenes, replace(SETTINGS, frames=1, picture_share=0))
    assert stream.kind(0) == "consecutive"
    assert stream.batch(0).images.shape[1] == 1


def test_a_batch_moves_to_another_device(scenes):
    moved = ClipStream(scenes, SETTINGS).batch(0).to("meta", non_blocking=True)
    assert moved.images.device.type == moved.times.device.type == "meta"
    assert isinstance(moved.long_term, int)


def test_pictures_only_where_there_are_some(tmp_path, add_video, discs):
    add_video(tmp_path, "a/film", {1: discs(6)})
    films = open_source(SourceSettings(place=str(tmp_path)), size=64)
    stream = ClipStream([films], SETTINGS)
    assert "pictures" not in {stream.kind(k) for k in range(50)}
    assert stream.epoch == 6
    add_video(tmp_path, "a/image", {1: discs(1)}, seed=2)
    both = ClipStream([open_source(SourceSettings(place=str(tmp_path)), size=64)], SETTINGS)
    assert "pictures" in {both.kind(k) for k in range(50)}
    heavy = open_source(SourceSettings(place=str(tmp_path), weight=2.5), size=64)
    assert ClipStream([heavy], SETTINGS).epoch == 15
    assert both.epoch_steps(2) == pytest.approx(6 / 2 / (1 - SETTINGS.picture_share))
    still = ClipStream(both.sources, replace(SETTINGS, picture_share=1.0, clips=2, pictures=4))
    assert {still.kind(k) for k in range(20)} == {"pictures"}
    assert (still.epoch, still.epoch_steps(2)) == (1, 1 / 4)  # one picture, four in a step


def test_weights(scenes, tmp_path, add_video, discs):
    add_video(tmp_path, "a/film", {1: discs(6)})
    film = open_source(SourceSettings(place=str(tmp_path), weight=500), size=64)
    stream = ClipStream([*scenes, film], replace(SETTINGS, picture_share=0))
    small = [stream.batch(k).times.max().item() < 6 for k in range(24)]
    assert 12 <= sum(small) <= 23, "3000 of 4000 clips, and a few scenes that happen to look so"


@pytest.mark.parametrize("workers", [0, 1])
def test_errors_come_in_one_line(tmp_path, add_video, discs, workers):
    add_video(tmp_path, "a/film", {1: discs(6)})
    (tmp_path / "videos/a/film/frames/00003.png").unlink()
    stream = ClipStream(
        [open_source(SourceSettings(place=str(tmp_path)), size=64)], replace(SETTINGS, frames=6, divemem=0)
    )
    with pytest.raises(DatasetError, match=r"^cannot read .*00003.png[^\n]*$"):
        take(stream, 1, workers=workers)


def test_nothing_visible(tmp_path, add_video):
    add_video(tmp_path, "a/film", {1: [disc(20, 20, 3)] * 6})
    stream = ClipStream([open_source(SourceSettings(place=str(tmp_path)), size=64)], replace(SETTINGS, min_area=0.5))
    with pytest.raises(DatasetError, match=r"none of 100 videos of .* shows an object of min_area 0\.5"):
        stream.batch(0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 4}, "frames is 4, too few for DiveMem clips"),
        ({"objects": 0}, "objects is 0"),
        ({"divemem": 1.5}, "divemem is 1.5; it is a share"),
        ({"strides": ()}, r"strides are \[\]"),
    ],
)
def test_settings_that_cannot_work(options, message):
    with pytest.raises(ConfigError, match=message):
        ClipSettings(**{"size": 64, **options})


def test_no_source():
    with pytest.raises(ConfigError, match="nothing to train on"):
        ClipStream([], SETTINGS)


READER = """
import multiprocessing, os, sys, time
from sam2s.training.data import ClipSettings, ClipStream, SourceSettings, open_source, training_loader

source = open_source(SourceSettings(place="synthetic", length=12), size=32)
loader = training_loader(ClipStream([source], ClipSettings(size=32, frames=5)), workers=2)
next(loader)
print(*[process.pid for process in multiprocessing.active_children()], flush=True)
time.sleep(120)
"""


@pytest.mark.slow
def test_loader_processes_end_with_a_training_that_was_killed():
    with subprocess.Popen([sys.executable, "-c", READER], stdout=subprocess.PIPE, text=True) as reader:
        workers = [int(pid) for pid in reader.stdout.readline().split()]
        assert len(workers) == 2
        reader.kill()
    deadline = time.monotonic() + 30
    while any(running(pid) for pid in workers):
        assert time.monotonic() < deadline, "loader processes go on without anybody to read for"
        time.sleep(0.1)


def running(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
