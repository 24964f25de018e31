import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from sam2s.errors import LimitError
from sam2s.masks import rle
from sam2s.masks.rle import area, bbox, centroid, decode, encode

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


class TestDamaged:
    @pytest.mark.parametrize(
        ("broken", "message"),
        [
            ({"size": [4, 4], "counts": [3, 5]}, r"counts add up to 8, not to 4 x 4 = 16"),
            ({"size": [4, 4], "counts": [8, 16]}, r"counts add up to 24, not to 4 x 4 = 16"),
            ({"size": [4, 4], "counts": [20, -4]}, r"counts add up to 16, not to 4 x 4 = 16"),
            ({"size": [4, 4], "counts": [2**63 - 1, 2**63 - 1, 18]}, "counts add up to"),
            ({"size": [4, 4], "counts": [10**30]}, r"are not whole numbers of at most 64 bits"),
            ({"size": [4, 4], "counts": [16.0]}, r"are not whole numbers of at most 64 bits"),
            ({"size": [4, 4], "counts": [[16]]}, r"are not whole numbers of at most 64 bits"),
            ({"size": [4, 4], "counts": [[1], 15]}, r"are not whole numbers of at most 64 bits|counts add up"),
            ({"size": [4, 4], "counts": None}, r"its counts are None, not a string or a list of run lengths"),
            ({"size": [4, 4]}, r"its counts are None"),
            ({"size": [4], "counts": [4]}, r"its size is \[4\], not \[height, width\]"),
            ({"counts": [4]}, r"its size is None"),
            ({"size": [4.0, 4], "counts": [16]}, r"not two whole numbers from 0 up"),
            ({"size": [-4, -4], "counts": [16]}, r"not two whole numbers from 0 up"),
            ({"size": ["4", "4"], "counts": [16]}, r"not two whole numbers from 0 up"),
            ({"size": [4, 4], "counts": "é0"}, r"damaged RLE string 'é0': not COCO's compressed counts"),
            ({"size": [4, 4], "counts": "?" * 30}, r"damaged RLE"),
            ({"size": [4, 4], "counts": "oooooooooooooo0"}, r"damaged RLE"),
            ([4, 4], "its size is None"),
        ],
    )
    def test_every_reader_refuses(self, broken, message):
        for read in (decode, area, bbox, centroid):
            with pytest.raises(ValueError, match=message):
                read(broken)

    def test_a_bomb_is_refused_before_memory_is_taken(self):
        bomb = {"size": [100000, 100000], "counts": [10**10]}
        tracemalloc.start()
        with pytest.raises(LimitError, match="a mask in RLE: 100000x100000 are 10000000000 pixels, more than"):
            decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()
        assert area(bomb) == 0

    def test_no_shorter_or_longer_string_is_a_mask(self):
        mask = np.zeros((20, 30), bool)
        mask[5:15, 10:20] = True
        whole = encode(mask)
        assert np.array_equal(decode(whole), mask)
        for counts in [whole["counts"][:n] for n in range(len(whole["counts"]))] + [whole["counts"] + "1"]:
            with pytest.raises(ValueError, match="damaged RLE"):
                decode({"size": [20, 30], "counts": counts})
