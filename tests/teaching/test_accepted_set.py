"""Accepted spans become sequences to learn from and to measure on; nothing else does."""

from pathlib import Path

import numpy as np
import pytest

from sam2s.errors import DatasetError, WorkspaceError
from sam2s.masks.palette import read_label_map
from sam2s.synth import Scene
from sam2s.synth.export import write_clip
from sam2s.teaching.accepted_set import count_accepted, hold_out, survey_accepted_set, write_accepted_set
from sam2s.workspace import Workspace
from teaching_tools import make_workspace

LENGTH = 40


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip") / "c"
    write_clip(Scene(5, 96, LENGTH, kind="robotic", drift=0.0), folder)
    return folder


def listed(folder, part):
    return (folder / "ImageSets" / f"{part}.txt").read_text().split()


def test_spans_become_sequences_and_the_last_is_held_out(tmp_path, clip):
    ids, truth = make_workspace(tmp_path / "w", clip, [(0, (2, 14)), (1, (8, 14)), (0, (24, 36))])
    told = []
    done = write_accepted_set([tmp_path / "w"], tmp_path / "set", report_progress=lambda *at: told.append(at))
    assert (listed(done.folder, "train"), listed(done.folder, "val")) == (["w-000002"], ["w-000024"])
    assert (done.train, done.val, done.objects) == (12, 12, 2)
    assert told[-1] == ("reading", 24, 24)
    names = sorted(path.name for path in (done.folder / "Annotations/w-000002").iterdir())
    assert names == [f"{frame:06d}.png" for frame in range(2, 14)]
    alone = read_label_map(done.folder / "Annotations/w-000002/000003.png")
    assert np.array_equal(alone, np.where(truth[3] == ids[0], ids[0], 0))  # the second object is not accepted there
    both = read_label_map(done.folder / "Annotations/w-000002/000009.png")
    assert set(np.unique(both)) - {0} == set(ids)


def test_an_only_span_gives_its_last_quarter():
    path = Path("a")
    train, val, _ = hold_out({path: [(10, 50)]})
    assert (train, val) == ({path: [(10, 40)]}, {path: [(40, 50)]})


def test_of_three_videos_the_last_is_held_out_whole():
    a, b, c, empty = map(Path, "abce")
    train, val, rule = hold_out({a: [(0, 9)], empty: [], b: [(0, 9), (20, 30)], c: [(5, 25)]})
    assert train == {a: [(0, 9)], b: [(0, 9), (20, 30)]}
    assert val == {c: [(5, 25)]}
    assert rule == "all of c"


def test_too_little_is_refused_with_what_to_do(tmp_path, clip):
    make_workspace(tmp_path / "w", clip, [(0, (2, 8))])
    with pytest.raises(DatasetError, match=r"too few frames are accepted to learn from: 8 are needed .* \(key A\)"):
        write_accepted_set([tmp_path / "w"], tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_another_video_in_its_place_is_refused(tmp_path, clip):
    moved = tmp_path / "clip"
    write_clip(Scene(6, 96, LENGTH, kind="robotic", drift=0.0), moved)
    make_workspace(tmp_path / "w", moved, [(0, (2, 20)), (0, (22, 38))])
    (moved / "video.mp4").write_bytes((clip / "video.mp4").read_bytes())
    with pytest.raises(WorkspaceError, match="is another video than"):
        write_accepted_set([tmp_path / "w"], tmp_path / "set")


def test_frames_without_a_mask_between_accepted_ones_are_not_learned_from(tmp_path, clip):
    ids, _ = make_workspace(tmp_path / "w", clip, [])
    with Workspace.open(tmp_path / "w", write=True) as workspace:
        workspace.delete_masks(ids, 10, 30)
        workspace.accept(ids, 0, 40)
        workspace.unaccept(ids, 10, 30)
    survey = survey_accepted_set([tmp_path / "w"], tmp_path / "set")
    assert (survey.train, survey.val, survey.objects) == (10, 10, 2)
    done = write_accepted_set([tmp_path / "w"], tmp_path / "set")
    assert (done.train, done.val, done.objects, done.rule) == (10, 10, 2, survey.rule)
    with Workspace.open(tmp_path / "w") as workspace:
        assert count_accepted(workspace) == 20
