"""Which mask is shown: the rule, example by example, and against a second, slower statement of it."""

from hypothesis import given
from hypothesis import strategies as st

from sam2s.workspace.merging import GIVEN, Claim, Layer, choose, prompt_distance

P, A = Layer.PROPAGATED, Layer.ACCEPTED


def test_nothing_said_shows_nothing():
    assert choose([]) is None
    assert choose([Claim(1, Layer.CLEARED), Claim(2, Layer.UNACCEPTED)]) is None


def test_the_propagation_that_came_last_is_shown():
    assert choose([Claim(1, P, 5), Claim(2, P, 9)]) == 2
    assert choose([Claim(1, P), Claim(2, P)]) == 2


def test_where_two_directions_meet_the_nearer_prompt_wins():
    assert choose([Claim(1, P, 5), Claim(2, P, -9)]) == 1
    assert choose([Claim(1, P, 9), Claim(2, P, -5)]) == 2
    assert choose([Claim(1, P, 5), Claim(2, P, -5)]) == 2, "as near: the later"
    assert choose([Claim(1, P, -2), Claim(2, P, 5), Claim(3, P, 90)]) == 1
    assert choose([Claim(1, P, 2), Claim(2, P, 50), Claim(3, P, -40)]) == 3, "the first was replaced by the second"
    assert choose([Claim(1, P, 2), Claim(2, P), Claim(3, P, -40)]) == 3, "of the second nobody knows the side"
    assert choose([Claim(1, P, 1), Claim(2, P, -4)]) == 1, "on the prompt itself"


def test_what_a_person_gave_is_not_replaced_by_propagation():
    for layer in GIVEN:
        assert choose([Claim(1, layer), Claim(2, P, 1)]) == 1
        assert choose([Claim(1, layer), Claim(2, Layer.BRUSHED)]) == 2


def test_what_was_accepted_is_replaced_by_nothing_until_it_is_taken_back():
    claims = [Claim(1, P, 1), Claim(2, A), Claim(3, Layer.BRUSHED), Claim(4, P, 1)]
    assert choose(claims) == 2
    assert choose([*claims, Claim(5, Layer.UNACCEPTED)]) == 3
    assert choose([*claims, Claim(5, Layer.UNACCEPTED), Claim(6, A)]) == 6


def test_cleared_prompts_show_what_was_there_before():
    claims = [Claim(1, P, 1), Claim(2, Layer.PROMPTED), Claim(3, Layer.CLEARED)]
    assert choose(claims) == 1
    assert choose([Claim(0, Layer.BRUSHED), *claims]) == 0, "a brush is not a prompt"
    assert choose([*claims, Claim(4, Layer.PROMPTED)]) == 4


def test_deletion_hides_all_before_and_nothing_after():
    deleted = Claim(3, Layer.DELETED, barrier=True)
    assert choose([Claim(1, A), Claim(2, P, 1), deleted]) == 3
    assert choose([Claim(1, A), Claim(2, P, 1), deleted, Claim(4, P, 9)]) == 4
    assert choose([Claim(1, A), Claim(2, P, None, barrier=True)]) == 2, "moved here from another object"


def test_distance_from_the_prompt_behind():
    assert [prompt_distance(frame, [3, 7], reverse=False) for frame in range(2, 9)] == [None, 1, 2, 3, 4, 1, 2]
    assert [prompt_distance(frame, [3, 7], reverse=True) for frame in range(2, 9)] == [-2, -1, -4, -3, -2, -1, None]


claims = st.lists(
    st.builds(
        lambda layer, distance, barrier: (layer, distance if layer == P else None, barrier or layer == Layer.DELETED),
        st.sampled_from(Layer),
        st.none() | st.sampled_from([-3, -2, -1, 1, 2, 3]),
        st.booleans(),
    ),
    max_size=8,
).map(lambda rows: [Claim(number, *row) for number, row in enumerate(rows)])


@given(claims)
def test_the_rule_as_a_person_would_say_it(rows):
    chosen = choose(rows)
    shown = next((row for row in rows if row.event_id == chosen), None)
    barriers = [row.event_id for row in rows if row.barrier]
    alive = [row for row in rows if not barriers or row.event_id >= barriers[-1]]
    accepted = [
        row
        for row in alive
        if row.layer == A and not any(u.layer == Layer.UNACCEPTED and u.event_id > row.event_id for u in alive)
    ]
    given_masks = [
        row
        for row in alive
        if row.layer in GIVEN
        and not (
            row.layer == Layer.PROMPTED and any(c.layer == Layer.CLEARED and c.event_id > row.event_id for c in alive)
        )
    ]
    propagated = [row for row in alive if row.layer == P]
    if accepted or given_masks:
        assert shown == (accepted or given_masks)[-1]
    elif propagated:
        assert shown in propagated
        newest = propagated[-1]
        if shown != newest:
            assert shown.prompt_distance * newest.prompt_distance < 0
            assert abs(shown.prompt_distance) < abs(newest.prompt_distance)
            between = [row for row in propagated if shown.event_id < row.event_id < newest.event_id]
            assert all(row.prompt_distance is not None for row in between)
    else:
        assert shown is None or shown.layer == Layer.DELETED
