"""Scenes: the same seed gives the same pixels anywhere, and labels say exactly what can be seen."""

import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from sam2s.errors import ConfigError
from sam2s.sasv.ontology import load_ontology
from sam2s.synth import Scene, SceneKind
from sam2s.synth.canvas import Canvas, Elastic, sprite
from sam2s.synth.geometry import affine
from sam2s.synth.instruments import INSTRUMENTS
from sam2s.synth.organs import ORGANS
from sam2s.synth.shapes import blob
from sam2s.synth.textures import anything

KINDS = list(SceneKind)


def _digest(seed: int, kind: str) -> str:
    scene = Scene(seed, 64, 40, kind=kind)
    digest = hashlib.sha256()
    for t in (0, 13, 39):
        for pixels in scene.render(t):
            digest.update(pixels.tobytes())
    return digest.hexdigest()


PINNED = [
    (
        "laparoscopy",
        [3025, 76, 224],
        [[198.2, 86.2, 97.8], [220.8, 140.5, 126.5], [163.0, 82.8, 80.5], [143.0, 79.5, 78.8]],
    ),
    (
        "colonoscopy",
        [3830, 117, 149],
        [[133.8, 79.0, 32.2], [70.8, 42.5, 19.2], [98.0, 49.8, 26.5], [117.2, 64.8, 34.2]],
    ),
    (
        "robotic",
        [3381, 204, 403],
        [[113.2, 113.2, 113.2], [101.2, 101.2, 101.2], [109.0, 109.0, 109.0], [103.0, 103.0, 103.0]],
    ),
    (
        "microscope",
        [3902, 71, 123],
        [[148.8, 97.5, 100.5], [180.2, 93.8, 101.2], [183.5, 157.2, 159.2], [216.8, 129.8, 133.2]],
    ),
    (
        "generic",
        [3899, 160, 37],
        [[83.8, 77.2, 96.2], [131.8, 144.8, 153.5], [113.0, 138.5, 143.5], [87.2, 94.0, 81.5]],
    ),
    ("reentry", [3605, 200, 291], [[6.8, 4.2, 9.0], [162.0, 73.8, 70.0], [198.5, 136.8, 145.8], [127.2, 84.5, 85.0]]),
]
"""Frame 13 of scene 21 by kind: pixels of background and of the first two objects, and colours along four rows."""


@pytest.mark.parametrize(("kind", "areas", "colours"), PINNED)
def test_scenes_are_those_of_the_published_figures(kind: str, areas: list[int], colours: list[list[float]]) -> None:
    """Whoever changes what is drawn measures `synthetic:10` again; processors differ by a step or two."""
    image, labels = Scene(21, 64, 40, kind=kind).render(13)
    np.testing.assert_allclose(np.bincount(labels.ravel(), minlength=3)[:3], areas, atol=6)
    np.testing.assert_allclose(image[::16, ::16].mean(1), colours, atol=3)


def test_two_processes_draw_the_same_pixels() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); from test_scene import _digest, KINDS\n"
    code += "print(*(_digest(5, k) for k in KINDS))"
    there = subprocess.run(
        [sys.executable, "-c", code, __file__.rpartition("/")[0]], capture_output=True, text=True, check=True
    )
    assert there.stdout.split() == [_digest(5, k) for k in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_draws_what_the_order_of_time_draws(kind: SceneKind) -> None:
    times = (0, 1, 7, 30)
    scene = Scene(11, 64, 31, kind=kind)
    forward = [scene.render(t) for t in times]
    travelled = pickle.loads(pickle.dumps(scene))
    for t, (image, labels) in reversed(list(zip(times, forward, strict=True))):
        again, again_labels = travelled.render(t)
        np.testing.assert_array_equal(again, image)
        np.testing.assert_array_equal(again_labels, labels)


@pytest.mark.parametrize("size", [32, 96, 131])
def test_frames_have_the_size_asked_for(size: int) -> None:
    image, labels = Scene(3, size, 5).render(4)
    assert (image.shape, image.dtype) == ((size, size, 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((size, size), np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_ids_of_objects_and_most_objects_start_in_view(kind: SceneKind) -> None:
    named = shown = 0
    for seed in range(6):
        scene = Scene(seed, 64, 20, kind=kind)
        ids = [item.id for item in scene.objects]
        assert ids == list(range(1, len(ids) + 1))
        assert 1 <= len(ids) <= 255
        image, labels = scene.render(0)
        assert set(np.unique(labels)) <= {0, *ids}
        assert image.std() > 5
        named += len(ids)
        shown += sum((labels == i).any() for i in ids)
    assert shown >= 0.75 * named


def test_categories_are_those_of_the_benchmark() -> None:
    categories = load_ontology().categories.values()
    assert set(INSTRUMENTS) == {c.name for c in categories if c.in_paper and c.kind == "instrument"}
    assert {*ORGANS, "polyp"} == {c.name for c in categories if c.in_paper and c.kind == "tissue"}


@pytest.mark.parametrize("warped", [False, True])
def test_a_label_stands_where_its_object_hides_more_than_half_of_a_pixel(warped: bool) -> None:
    """An object drawn on black and on white: the difference is what shines through."""
    rng = np.random.default_rng(8)
    shape = blob(rng, 64, 0.2)
    piece = sprite(shape, anything(rng, 64, 64))
    warp = Elastic(rng, 0.1, 5).at(3.0) if warped else None
    black, white = Canvas(96), Canvas(96)
    white.buffer += 1
    for canvas in (black, white):
        canvas.draw(piece, affine(0.3, -0.1, 0.7, 0.6, 0.4), 3, warp=warp, soft=2.0)
    through = (white.buffer[0] - black.buffer[0]).numpy()
    assert 0.1 < (through < 0.5).mean() < 0.3
    np.testing.assert_array_equal(black.labels.numpy(), np.where(through < 0.5, 3, 0))


@pytest.mark.parametrize("seed", range(12))
def test_the_canvas_stays_finite(seed: int) -> None:
    scene = Scene(100 + seed, 48, 30)
    for t in (0, 29):
        now = scene._clock(t)
        canvas = Canvas(48)
        for actor in scene._stage.actors:
            actor.draw(canvas, now, scene._stage.camera(now))
        assert torch.isfinite(canvas.buffer).all()


def test_drift_makes_tools_leave_and_come_back() -> None:
    scene = Scene(1, 48, 600, kind="laparoscopy", tempo=1.0, drift=1.0)
    tools = [item.id for item in scene.objects if item.type == "instrument"]
    seen = np.array([[(labels == i).any() for i in tools] for _, labels in map(scene.render, range(0, 600, 6))])
    changes = np.diff(seen.astype(int), axis=0)
    assert any((changes[:, k] == -1).any() and (changes[:, k] == 1).any() for k in range(len(tools)))


def test_a_frame_outside_of_the_clip_is_refused() -> None:
    with pytest.raises(IndexError, match="frame 5 of a scene of 5 frames: allowed are 0 to 4"):
        Scene(0, 32, 5).render(5)


def test_an_unknown_kind_is_named_with_those_that_exist() -> None:
    with pytest.raises(
        ConfigError, match="scene kind 'dentistry' does not exist; allowed are laparoscopy, colonoscopy"
    ):
        Scene(0, 32, 5, kind="dentistry")
