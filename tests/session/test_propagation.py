"""Which propagation last went over a frame, and which snapshots are worth their place."""

import json

import pytest

from sam2s.session.propagation import Propagation, covering, thin_snapshots


def walked(number, start, last, *, reverse=False, joined=None, every=None):
    propagation = Propagation(number, start, reverse)
    step = -1 if reverse else 1
    propagation.keep_snapshot(start - step)
    for time in range(start, last + step, step):
        propagation.reach(time, [i for i, t in (joined or {1: start}).items() if (time - t) * step >= 0])
        if every and abs(time - start) % every == every - 1:
            propagation.keep_snapshot(time)
    return propagation


@pytest.mark.parametrize("reverse", [False, True])
def test_a_propagation_covers_what_it_went_over_with_an_object(reverse):
    start, last, joined = (20, 10, {1: 20, 2: 15}) if reverse else (10, 20, {1: 10, 2: 15})
    propagation = walked(0, start, last, reverse=reverse, joined=joined)
    assert [t for t in range(30) if propagation.covers(t, 1)] == list(range(10, 21))
    assert [t for t in range(30) if propagation.covers(t, 2)] == (
        list(range(10, 16)) if reverse else list(range(15, 21))
    )
    assert not propagation.covers(15, 3)
    assert propagation.next_time == (9 if reverse else 21)


def test_one_that_has_not_begun_covers_nothing():
    propagation = Propagation(0, 5, False)
    assert propagation.next_time == 5
    assert not propagation.covers(5, 1)


def test_the_latest_one_counts():
    old, new = walked(0, 0, 20), walked(1, 10, 15)
    assert [covering([old, new], t, 1).number for t in (9, 10, 15, 16)] == [0, 1, 1, 0]
    assert covering([old, new], 21, 1) is None


@pytest.mark.parametrize(("reverse", "time", "nearest"), [(False, 7, 5), (False, 5, 5), (False, 4, 2), (True, 13, 14)])
def test_the_nearest_snapshot_lies_at_or_behind_a_time(reverse, time, nearest):
    propagation = walked(0, 19, 5, reverse=True, every=3) if reverse else walked(0, 0, 12, every=3)
    assert propagation.nearest_snapshot(time) == nearest


def test_what_is_saved_ends_at_the_last_snapshot():
    propagation = walked(0, 0, 7, joined={1: 0, 2: 7}, every=3)
    saved = propagation.saved()
    assert (saved.last, saved.joined, saved.snapshots) == (5, {1: 0}, [-1, 2, 5])
    assert (propagation.last, propagation.joined) == (7, {1: 0, 2: 7})
    begun = walked(0, 0, 8).saved()
    assert (begun.last, begun.joined) == (None, {})


def test_it_survives_json():
    propagation = walked(3, 9, 2, reverse=True, joined={1: 9, 12: 5}, every=2)
    back = Propagation.from_json(json.loads(json.dumps(propagation.to_json())))
    assert back.to_json() == propagation.to_json()
    assert back.joined == {1: 9, 12: 5}


def test_frames_before_the_first_snapshot_that_is_left_are_not_covered():
    propagation = walked(0, 0, 8, joined={1: 0, 2: 5}, every=3)
    propagation.lose([-1])
    assert propagation.snapshots == [2, 5, 8]
    assert propagation.joined == {1: 3, 2: 5}
    propagation.lose([2, 5, 8])
    assert (propagation.snapshots, propagation.joined) == ([], {})


def test_snapshots_of_frames_that_later_ones_went_over_are_released():
    old, new = walked(0, 0, 11, every=3), walked(1, 5, 11)
    assert old.release([new], [1]) == [8, 11]  # frame 4 is its last own one; the snapshot after 5 vouches for it
    assert old.snapshots == [-1, 2, 5]
    assert old.release([walked(1, 0, 11)], [1]) == [-1, 2, 5]
    assert old.joined == {}


def test_an_object_that_is_gone_needs_no_snapshots():
    assert walked(0, 0, 5, every=3).release([], []) == [-1, 2, 5]


def test_thinning_drops_what_makes_the_shortest_replay_necessary():
    propagation = walked(0, 0, 29)
    for time in (3, 4, 9, 19, 29):
        propagation.keep_snapshot(time)
    assert [at for _, at in thin_snapshots([propagation], 5)] == [3]
    assert [at for _, at in thin_snapshots([propagation], 3)] == [4, 9]
    assert propagation.snapshots == [-1, 19, 29]


@pytest.mark.parametrize("most", [2, 3, 5])
def test_both_ends_of_the_latest_stay(most):
    old, new = walked(0, 0, 20, every=4), walked(1, 10, 20, every=2)
    thin_snapshots([old, new], most)
    assert {9, new.snapshots[-1]} <= set(new.snapshots)
    assert len(old.snapshots) + len(new.snapshots) <= most


def test_a_propagation_that_an_earlier_one_can_stand_for_goes_before_one_that_none_can():
    first, alone, short, latest = walked(0, 0, 30, every=10), walked(1, 40, 60), walked(2, 5, 8), walked(3, 70, 80)
    dropped = thin_snapshots([first, alone, short, latest], 6)
    assert [(p.number, at) for p, at in dropped] == [(2, 4)]
    assert covering([first, alone, short, latest], 6, 1) is first


@pytest.mark.parametrize("reverse", [False, True])
def test_it_knows_which_frames_were_not_judged_as_far_as_it_is_saved(reverse):
    propagation = Propagation(0, 0, reverse)
    step = -1 if reverse else 1
    for time in range(10):
        propagation.reach(time * step, [1], judged=time not in (2, 3, 4, 8))
        if time == 3:
            propagation.keep_snapshot(-step)
            propagation.keep_snapshot(time * step)
    assert propagation.unjudged == [[2 * step, 4 * step], [8 * step, 8 * step]]
    assert [t for t in range(10) if not propagation.judged(t * step)] == [2, 3, 4, 8]
    assert propagation.saved().unjudged == [[2 * step, 3 * step]]
    assert Propagation.from_json(json.loads(json.dumps(propagation.to_json()))).unjudged == propagation.unjudged
