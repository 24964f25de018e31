import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sam2s.errors import DatasetError
from sam2s.sasv.fixtures.drawing import SIZE, disc
from sam2s.sasv.instances import GroupingStats, components, frame_instances
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.raw import FrameLabels, LinkRules, MaskGrouping, RawMask


def objects(*masks, grouping=None, link_rules=None, crop=None, unknown=0, source="cholecinstanceseg"):
    stats = GroupingStats()
    found = frame_instances(
        FrameLabels(tuple(masks), unknown=unknown),
        SIZE,
        source=source,
        ontology=load_ontology(),
        grouping=grouping or {},
        link_rules=link_rules or LinkRules(min_area=20),
        crop=crop,
        stats=stats,
    )
    return found, stats


LEFT, RIGHT = disc(12, 20, 7), disc(50, 20, 7)


def test_components_split_left_to_right_and_specks_go():
    found, counts = objects(RawMask("hook", RIGHT | LEFT | disc(32, 40, 1)))
    assert [one.corner[1] for one in found] == [5, 43]
    assert np.array_equal(found[0].mask(SIZE), LEFT)
    assert (counts.split, counts.specks) == (1, 1)


def test_whole_label_is_one_object():
    found, _ = objects(RawMask("hook", RIGHT | LEFT), grouping={"hook": MaskGrouping.WHOLE})
    assert [one.area for one in found] == [int((LEFT | RIGHT).sum())]


def test_each_mask_is_one_object_even_where_they_overlap():
    found, _ = objects(RawMask("hook", LEFT), RawMask("hook", disc(16, 20, 7)), grouping={"hook": MaskGrouping.EACH})
    assert len(found) == 2


def test_tracks_join_masks_of_one_id():
    found, _ = objects(RawMask("hook", LEFT, "a"), RawMask("hook", RIGHT, "a"), RawMask("hook", RIGHT, "b"))
    assert [(one.track, one.area) for one in found] == [("a", (LEFT | RIGHT).sum()), ("b", RIGHT.sum())]


def test_near_parts_join():
    near = disc(20, 20, 4) | disc(31, 20, 4)  # two pixels apart
    assert len(objects(RawMask("hook", near))[0]) == 2
    assert len(objects(RawMask("hook", near), link_rules=LinkRules(min_area=20, join=4))[0]) == 1


def test_crop_cuts_masks_of_full_size():
    full = np.zeros((60, 80), bool)
    full[10:58, 8:72] = LEFT
    found, _ = objects(RawMask("hook", full), crop=(8, 10, 64, 48))
    assert np.array_equal(found[0].mask(SIZE), LEFT)


def test_wrong_size_and_too_many_unknown_codes_are_refused():
    with pytest.raises(DatasetError, match="a mask is 10x10 but its frame 64x48"):
        objects(RawMask("hook", np.ones((10, 10), bool)))
    assert objects(RawMask("hook", LEFT), unknown=3)[1].unknown_pixels == 3
    with pytest.raises(DatasetError, match="4 pixels of a 64x48 frame have codes that"):
        objects(RawMask("hook", LEFT), unknown=4)


@settings(max_examples=40, deadline=None)
@given(arrays(bool, (12, 15)), st.integers(0, 4))
def test_components_add_up_to_the_mask(mask, join):
    total = np.zeros(mask.shape, int)
    for part, (y, x) in components(mask, join):
        total[y : y + part.shape[0], x : x + part.shape[1]] += part
    assert np.array_equal(total, mask)
