"""Camera motion recovered from moved texture, and taken out of positions."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from sam2s.analysis.camera import camera_motion, without_camera

TEXTURE = np.asarray(
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)).resize((600, 400), 3)
)


def view(x, y):
    """A window of the texture: the camera has moved by (x, y)."""
    return TEXTURE[40 + y : 240 + y, 60 + x : 360 + x]


def test_shifts_are_found_to_a_fraction_of_a_pixel():
    shifts = [(0, 0), (3, 1), (8, -2), (8, -2)]
    motions = list(camera_motion((view(x, y), None) for x, y in shifts))
    assert np.array_equal(motions[0], np.eye(2, 3))
    for motion, (before, now) in zip(motions[1:], pairwise(shifts), strict=True):
        assert motion[:, :2] == pytest.approx(np.eye(2), abs=0.01)
        assert motion[:, 2] == pytest.approx([before[0] - now[0], before[1] - now[1]], abs=0.3)


def test_what_objects_do_is_not_taken_for_the_camera():
    pictures, masks = [], []
    for step in range(3):
        picture, mask = view(0, 0).copy(), np.zeros((200, 300), bool)
        picture[20:180, 40 + 20 * step : 220 + 20 * step] = TEXTURE[200:360, 300:480]
        mask[20:180, 40 + 20 * step : 220 + 20 * step] = True
        pictures.append(picture)
        masks.append(mask)
    for motion in camera_motion(zip(pictures, masks, strict=True)):
        assert motion[:, 2] == pytest.approx([0, 0], abs=0.5)


def test_a_picture_without_texture_gives_no_motion():
    flat = np.full((100, 150, 3), 90, np.uint8)
    assert all(np.array_equal(motion, np.eye(2, 3)) for motion in camera_motion([(flat, None)] * 3))


def test_a_still_point_seen_by_a_moving_camera_stands_still():
    motions = np.array([np.eye(2, 3)] * 4)
    motions[1:, :, 2] = [(-3, -1), (-5, 3), (0, 2)]
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    motions[3, :, :2] = turn
    point = np.array([50.0, 40.0])
    seen = [point]
    for motion in motions[1:]:
        seen.append(motion[:, :2] @ seen[-1] + motion[:, 2])
    assert without_camera(np.array(seen), motions) == pytest.approx(np.broadcast_to(point, (4, 2)))
