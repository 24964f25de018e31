"""Points, boxes and masks as the mask decoder reads them."""

import pytest
import torch

from model_tools import nano


@pytest.fixture(scope="module")
def model():
    return nano()


@torch.no_grad()
def encoded(model, coords, labels, mask=None):
    points = torch.tensor([coords], dtype=torch.float32), torch.tensor([labels])
    return model.encode_prompt(1, points, mask)


def test_each_label_has_its_own_code(model):
    tokens = [encoded(model, [[10, 20]], [label]).sparse[0, 0] for label in (0, 1, 2, 3)]
    assert all(not torch.allclose(a, b, atol=1e-4) for i, a in enumerate(tokens) for b in tokens[:i])


def test_points_keep_their_order_and_do_not_touch_each_other(model):
    both = encoded(model, [[10, 20], [40, 50]], [1, 0]).sparse
    first, second = encoded(model, [[10, 20]], [1]).sparse, encoded(model, [[40, 50]], [0]).sparse
    assert torch.equal(both[:, 0], first[:, 0])
    assert torch.equal(both[:, 1], second[:, 0])


def test_a_point_that_is_none_does_not_say_where_it_lies(model):
    a, b = (encoded(model, [place], [-1]).sparse for place in ([1, 2], [50, 60]))
    assert torch.equal(a[:, 0], b[:, 0])


@torch.no_grad()
def test_no_points_are_one_that_is_none(model):
    nothing = model.encode_prompt(2)
    none = model.encode_prompt(2, (torch.zeros(2, 1, 2), torch.full((2, 1), -1)))
    assert torch.equal(nothing.sparse, none.sparse)
    assert len(nothing.sparse) == 2


@torch.no_grad()
def test_a_mask_is_dense_and_its_absence_too(model):
    mask = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    without, given = encoded(model, [[1, 2]], [1]), encoded(model, [[1, 2]], [1], mask)
    assert given.dense.shape == (1, 64, 4, 4)
    assert torch.equal(without.sparse, given.sparse)
    assert not torch.allclose(without.dense.expand_as(given.dense), given.dense, atol=1e-4)
    assert torch.equal(without.dense, without.dense[..., :1, :1].expand_as(without.dense))


def test_places_apart_are_told_apart_to_half_a_pixel(model):
    a, b = (encoded(model, [[x, 20.0]], [1]).sparse[0, 0] for x in (10.0, 10.5))
    assert not torch.allclose(a, b, atol=1e-4)


def test_positions_of_clicks_keep_their_precision_while_training():
    encoder = nano().sam_prompt_encoder
    coords = torch.rand(1, 20, 2) * 64
    with torch.autocast("cpu", torch.bfloat16):
        lower = encoder.pe_layer(coords / 64)
    torch.testing.assert_close(lower, encoder.pe_layer(coords / 64), atol=0, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_positions_of_clicks_keep_their_precision_in_half(dtype):
    exact, model = nano().sam_prompt_encoder, nano().to(dtype)
    encoder = model.sam_prompt_encoder
    assert encoder.pe_layer.positional_encoding_gaussian_matrix.dtype == torch.float32
    coords = torch.rand(1, 20, 2)
    torch.testing.assert_close(encoder.pe_layer(coords), exact.pe_layer(coords), atol=0, rtol=0)
    assert encoder.dense_positions().dtype == model.encode_prompt(1).sparse.dtype == dtype
