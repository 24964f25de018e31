"""Masks as bits: nothing is lost, whatever the shape."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sam2s.masks.bits import pack, to_host, unpack


@given(arrays(bool, array_shapes(min_dims=1, max_dims=3, max_side=40), elements=st.booleans()))
def test_packing_is_numpys_and_comes_back(mask):
    octets = pack(torch.from_numpy(mask)).numpy()
    assert np.array_equal(octets, np.packbits(mask))
    assert np.array_equal(unpack(octets, mask.shape), mask)
    assert np.array_equal(to_host(torch.from_numpy(mask)), mask)


def test_an_empty_mask_stays_empty():
    assert unpack(pack(torch.zeros(0, 5, dtype=torch.bool)).numpy(), (0, 5)).shape == (0, 5)
