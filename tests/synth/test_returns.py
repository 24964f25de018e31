"""Scenes of re-entry: who is away when, from where it returns and how large, and that its companion looks alike."""

import math
from itertools import pairwise

import numpy as np
import pytest

from sam2s.synth import Scene
from sam2s.synth.returns import AWAY, LARGER, other_visits, target_visits


@pytest.mark.parametrize("seed", range(5))
def test_the_target_begins_small_and_returns_larger_from_another_side(seed):
    visits = target_visits(np.random.default_rng(seed))
    assert visits[0].size == 1
    for before, after in pairwise(visits):
        assert AWAY[0] <= after.start - before.stop <= AWAY[1]
        assert LARGER[0] <= after.size <= LARGER[1]
        turn = (after.side - before.side) % (2 * math.pi)
        assert min(turn, 2 * math.pi - turn) >= 0.5 * math.pi - 1e-9
    assert all(visit.size <= 1.8 for visit in other_visits(np.random.default_rng(seed)))


def test_the_target_is_seen_on_its_visits_alone_and_sizes_follow_the_plan():
    scene = Scene(3, 64, 200, kind="reentry")
    target = next(actor for actor in scene._stage.actors if actor.label == 1)
    seen = np.array([(scene.render(t)[1] == 1).any() for t in range(200)])
    planned = np.array([any(v.start <= t < v.stop for v in target.visits) for t in range(200)])
    assert not seen[~planned].any()
    assert seen[planned].mean() > 0.85, "hidden or just sliding in at times"
    assert 0.15 < (~planned).mean() < 0.6
    second = target.visits[1]
    assert target.entry(second.start + 10).size == second.size
    assert target.entry(second.start - 5).back == 1
    assert target.entry((second.start + second.stop) / 2).back == 0


def test_the_companion_is_of_another_kind_and_has_the_same_shaft():
    for seed in range(6):
        scene = Scene(seed, 32, 5, kind="reentry")
        target, other = (next(a for a in scene._stage.actors if a.label == k) for k in (1, 2))
        assert other.shaft is target.shaft
        first, second = scene.objects
        assert first.name != second.name
        assert other.tip is not target.tip


def test_no_seed_draws_such_a_scene_unasked():
    assert "reentry" not in {str(Scene(seed, 32, 2).kind) for seed in range(30)}
