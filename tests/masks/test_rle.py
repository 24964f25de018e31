import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from sam2s.masks import rle

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))


def reference(mask):
    return coco.encode(np.asfortranarray(mask, np.uint8))


@given(MASKS)
def test_is_what_pycocotools_writes_and_reads(mask):
    ours, theirs = rle.encode(mask), reference(mask)
    assert ours["counts"] == theirs["counts"].decode()
    assert ours["size"] == theirs["size"]
    assert np.array_equal(coco.decode(ours), mask)
    assert np.array_equal(rle.decode(ours), mask)
    assert coco.frPyObjects(rle.encode_uncompressed(mask), *mask.shape)["counts"] == theirs["counts"]
    assert np.array_equal(rle.decode(rle.encode_uncompressed(mask)), mask)


@given(MASKS)
def test_measures_without_decoding(mask):
    runs = rle.encode(mask)
    assert rle.area(runs) == mask.sum() == coco.area(reference(mask))
    assert rle.bbox(runs) == tuple(coco.toBbox(reference(mask)))
    rows, columns = mask.nonzero()
    if rows.size:
        assert rle.centroid(runs) == pytest.approx((columns.mean(), rows.mean()))
    else:
        assert rle.centroid(runs) is None


@given(st.lists(st.integers(0, 2**40), max_size=30))
def test_compressed_counts_come_back(counts):
    assert rle.decompress(rle.compress(counts)).tolist() == counts


def test_large_smooth_mask():
    y, x = np.mgrid[:1080, :1920]
    mask = (x - 900) ** 2 + (y - 500) ** 2 < 300**2
    assert rle.encode(mask)["counts"].encode() == reference(mask)["counts"]
    assert np.array_equal(rle.decode(rle.encode(mask)), mask)


def test_views_of_other_memory_order():
    mask = np.asfortranarray(np.eye(6, 9, dtype=bool))[::-1, ::2]
    assert np.array_equal(rle.decode(rle.encode(mask)), mask)


def test_runs_of_length_zero_in_the_middle():
    assert rle.decode({"size": [2, 2], "counts": [1, 1, 0, 1, 1]}).T.ravel().tolist() == [False, True, True, False]


@pytest.mark.parametrize("counts", ["é", "a b", "o", [3, 2], [-1, 5], "n" * 40 + "0"])
def test_damaged_counts(counts):
    with pytest.raises(ValueError, match="damaged RLE"):
        rle.decode({"size": [2, 2], "counts": counts})


def test_only_planes_are_masks():
    with pytest.raises(ValueError, match=r"2-D array \[H, W\], got shape \(2, 2, 2\)"):
        rle.encode(np.zeros((2, 2, 2), bool))
