"""Scenes of cut-outs: repeatable, with exact labels; objects leave, and come back from elsewhere."""

import numpy as np
import pytest
import torch
from PIL import Image

from sam2s.synth import CutoutFolder, CutoutScene
from sam2s.synth.motion import View
from sam2s.synth.pasted import Visits, body, cutout_sprite
from synth_tools import disc_rgba


@pytest.fixture
def folder(tmp_path):
    cut, photos = tmp_path / "cut" / "grasper", tmp_path / "photos"
    cut.mkdir(parents=True)
    photos.mkdir()
    rng = np.random.default_rng(3)
    for k in range(4):
        Image.fromarray(disc_rgba(120, 30 + 6 * k, tuple(rng.integers(0, 255, 3).tolist()))).save(cut / f"{k}.png")
    Image.fromarray(rng.integers(0, 255, (90, 120, 3), np.uint8)).save(photos / "noise.png")
    return CutoutFolder.open(tmp_path / "cut", photos)


def test_the_seed_decides_and_the_order_of_drawing_does_not(folder):
    first, again, other = (CutoutScene(seed, 64, 40, folder) for seed in (5, 5, 6))
    frames = [first.render(t) for t in (0, 20, 39)]
    for t, (image, labels) in zip((39, 20, 0), frames[::-1], strict=True):
        image_again, labels_again = again.render(t)
        np.testing.assert_array_equal(image, image_again)
        np.testing.assert_array_equal(labels, labels_again)
    assert not np.array_equal(frames[0][0], other.render(0)[0])


@pytest.mark.parametrize("seed", range(12))
def test_labels_are_ids_of_objects(folder, seed):
    scene = CutoutScene(seed, 64, 30, folder)
    ids = [item.id for item in scene.objects]
    assert ids == list(range(1, len(ids) + 1))
    assert {item.name for item in scene.objects} <= {"grasper", "object"}
    for t in (0, 29):
        image, labels = scene.render(t)
        assert set(np.unique(labels)) <= {0, *ids}
        assert image.shape == (64, 64, 3)


def test_objects_are_named_after_their_folder_where_they_look_like_their_picture(folder):
    names = [item.name for seed in range(40) for item in CutoutScene(seed, 32, 2, folder).objects]
    assert 0.2 < names.count("grasper") / len(names) < 0.75
    assert cutout_sprite(np.random.default_rng(0), folder)[1] in ("grasper", "object")


def test_visits_begin_elsewhere_than_the_last_one_ended():
    """In view the displacement is nothing; in the middle of an absence it is out of any frame; size changes there."""
    rng = np.random.default_rng(2)
    visits = Visits(rng, 20, (13, 29), 0.8)
    times = np.arange(0, 400, 0.25)
    x, y, size = np.array([visits.at(t) for t in times]).T
    away = np.hypot(x, y)
    present = away == 0
    absences = np.flatnonzero(np.diff(present.astype(int)) == -1), np.flatnonzero(np.diff(present.astype(int)) == 1)
    lengths = [(stop - start) / 4 for start, stop in zip(*absences, strict=False) if stop > start]
    assert len(lengths) > 4
    assert all(12.5 <= length <= 29.5 for length in lengths)
    assert away.max() == pytest.approx(4)
    changes = np.flatnonzero(np.diff(size))
    assert len(changes) >= len(lengths) - 1
    assert (away[changes] > 3).all(), "sizes change out of sight alone"
    start, stop = absences[0][0], absences[1][0]
    leaving, returning = np.arctan2(y, x)[start + 2], np.arctan2(y, x)[stop - 2]
    assert abs(leaving - returning) > 0.1


def test_a_visitor_is_out_of_sight_while_away(folder):
    rng = np.random.default_rng(7)
    piece, _ = cutout_sprite(rng, folder)
    visitor = next(v for v in (body(rng, piece, 1, 1.0) for _ in range(20)) if v.visits is not None)
    view = View(0.0, 0.0, 0.0, 1.0, 0)
    away = [t for t in np.arange(0, 300, 0.5) if np.hypot(*visitor.visits.at(t)[:2]) > 3.9]
    assert away
    with torch.no_grad():
        _, _, x, _, _, y = visitor._pose(float(away[0]), view)
    assert np.hypot(x, y) > 2
