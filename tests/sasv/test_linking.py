import pytest

from sam2s.sasv.fixtures.drawing import SIZE, disc
from sam2s.sasv.instances import Instance, components
from sam2s.sasv.linking import Linker, overlap
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.raw import LinkRules

HOOK = load_ontology().categories["hook"]
GRASPER = load_ontology().categories["grasper"]


def at(x, y=20, radius=6, category=HOOK, track=None):
    ((crop, corner),) = components(disc(x, y, radius))
    return Instance(category, category.name, crop, corner, None, track)


def ids(frames, **rules):
    linker = Linker(LinkRules(**rules), SIZE)
    return [linker.step(t, frame) for t, frame in enumerate(frames)], linker


def test_two_tools_keep_their_ids_while_they_move():
    frames = [[at(12 + 2 * t), at(50 - 2 * t)] for t in range(5)]
    found, linker = ids(frames)
    assert found == [[1, 2]] * 5
    assert linker.link_stats == {"given": 0, "clear": 8, "doubtful": 0, "bridged": 0}
    assert linker.review == []


def test_order_of_labels_does_not_matter():
    found, _ = ids([[at(12), at(50)], [at(51), at(13)]])
    assert found == [[1, 2], [2, 1]]


def test_category_is_never_crossed():
    found, _ = ids([[at(12)], [at(12, category=GRASPER)], [at(12)]])
    assert found == [[1], [2], [1]]


def test_gaps_are_bridged_up_to_the_limit():
    frames = [[at(20)], [], [], [at(21)]]
    found, linker = ids(frames, gap=2)
    assert found[-1] == [1]
    assert linker.link_stats["bridged"] == 1
    assert ids(frames, gap=1)[0][-1] == [2]


def test_a_far_object_is_new_behind_the_gate_and_doubtful_without_one():
    frames = [[at(8, 8)], [at(56, 40)]]
    assert ids(frames, gate=0.3)[0] == [[1], [2]]
    found, linker = ids(frames, gate=0.0)
    assert found == [[1], [1]]
    assert linker.review == [{"frame": 1, "id": 1, "reasons": ["weak"], "score": pytest.approx(0.1, abs=0.02)}]


def test_a_close_call_is_on_the_review_list():
    _, linker = ids([[at(26), at(38)], [at(32)]])
    assert linker.review[0]["reasons"] == ["ambiguous"]
    assert linker.link_stats["doubtful"] == 1


def test_a_jump_in_area_is_on_the_review_list():
    _, linker = ids([[at(30, radius=4)], [at(30, radius=9)]])
    assert "area jump" in linker.review[0]["reasons"]


def test_ids_of_the_source_are_kept_and_counted():
    found, linker = ids([[at(10, track="a"), at(50, track="b")], [at(50, track="a"), at(10, track="b")]])
    assert found == [[1, 2], [1, 2]]
    assert linker.link_stats["given"] == 2


def test_order_links_left_to_left_over_any_absence():
    frames = [[at(10), at(50)], [], [], [], [], [], [], [at(25, 40), at(60, 8)], [at(62)]]
    found, _ = ids(frames, by="order")
    assert found[-2:] == [[1, 2], [2]]


def test_overlap_of_known_discs():
    assert overlap(at(20), at(20)) == 1
    assert overlap(at(10), at(50)) == 0
    square = [Instance(HOOK, "hook", disc(20, 20, 30)[:10, :10] | True, corner) for corner in ((0, 0), (0, 5))]
    assert overlap(*square) == pytest.approx(1 / 3)
