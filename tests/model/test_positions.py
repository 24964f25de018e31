"""Position codes: values by hand, lengths and turns that do not depend on the place."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2s.model.positions import rotary_tables, rotate, sine_map, sine_time


def test_a_map_of_four_channels_by_hand():
    """Two channels for y, two for x: sine and cosine of 2 pi (k + 1) / n."""
    code = sine_map(4, 2, 4)
    assert code.shape == (1, 4, 2, 4)
    assert code.is_contiguous()
    y, x = ([2 * math.pi * (k + 1) / n for k in range(n)] for n in (2, 4))
    for row in range(2):
        for column in range(4):
            wanted = [math.sin(y[row]), math.cos(y[row]), math.sin(x[column]), math.cos(x[column])]
            torch.testing.assert_close(code[0, :, row, column], torch.tensor(wanted), atol=1e-5, rtol=0)


def test_later_pairs_of_a_map_turn_slower():
    """Of 8 channels the second pair of an axis turns at 10000 ** (-2 / 4), a hundredth."""
    code = sine_map(8, 1, 5)[0, :, 0]
    angles = torch.arange(1, 6) * 2 * math.pi / 5 / 100
    torch.testing.assert_close(code[6], angles.sin(), atol=1e-5, rtol=0)
    torch.testing.assert_close(code[7], angles.cos(), atol=1e-5, rtol=0)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([4, 8, 64]), st.integers(1, 6), st.integers(1, 6))
def test_rows_share_the_code_of_y_and_columns_that_of_x(channels, height, width):
    code = sine_map(channels, height, width)[0]
    half = channels // 2
    assert torch.equal(code[:half], code[:half, :, :1].expand(-1, -1, width))
    assert torch.equal(code[half:], code[half:, :1].expand(-1, height, -1))
    turned = sine_map(channels, width, height)[0].transpose(1, 2)
    assert torch.equal(torch.cat((turned[half:], turned[:half])), code)


def test_time_by_hand_and_its_sign():
    code = sine_time(torch.tensor([[0, 3], [-3, 10]]), 4)
    assert code.shape == (2, 2, 4)
    for place, distance in (((0, 0), 0), ((0, 1), 3), ((1, 0), -3), ((1, 1), 10)):
        wanted = [math.sin(distance), math.sin(distance), math.cos(distance), math.cos(distance)]
        torch.testing.assert_close(code[place], torch.tensor(wanted), atol=1e-5, rtol=0)


def test_the_tables_of_a_grid_by_hand():
    """Token y * width + x of 8 channels: two pairs turn with x, two with y, at 1 and at a hundredth of a radian."""
    cos, sin = rotary_tables(8, 2, 3)
    assert cos.shape == sin.shape == (6, 4)
    for y in range(2):
        for x in range(3):
            angles = torch.tensor([x, x / 100, y, y / 100])
            torch.testing.assert_close(cos[3 * y + x], angles.cos())
            torch.testing.assert_close(sin[3 * y + x], angles.sin())


def test_a_larger_grid_holds_the_angles_of_a_smaller_one():
    small, large = rotary_tables(16, 3, 3), rotary_tables(16, 5, 7)
    for a, b in zip(small, large, strict=True):
        assert torch.equal(a.view(3, 3, -1), b.view(5, 7, -1)[:3, :3])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_quarter_turn_of_each_pair(dtype):
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=dtype)
    turned = rotate(x, torch.zeros(1, 2, dtype=dtype), torch.ones(1, 2, dtype=dtype))
    assert turned.tolist() == [[-2.0, 1.0, -4.0, 3.0]]


def test_turning_keeps_lengths_and_tells_distances_alone():
    """The product of two turned tokens depends on how far apart they are, not on where they are."""
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 16, generator=generator)
    cos, sin = rotary_tables(16, 6, 6)
    queries, keys = rotate(query.expand(36, -1), cos, sin), rotate(key.expand(36, -1), cos, sin)
    torch.testing.assert_close(queries.norm(dim=-1), query.norm().expand(36))
    scores = (queries @ keys.T).view(6, 6, 6, 6)
    torch.testing.assert_close(scores[0, 0, 2, 1], scores[3, 4, 5, 5], atol=1e-4, rtol=0)
    torch.testing.assert_close(scores[4, 2, 1, 0], scores[5, 5, 2, 3], atol=1e-4, rtol=0)


def test_real_and_complex_arithmetic_agree():
    x = torch.randn(2, 3, 12, 8, generator=torch.Generator().manual_seed(1))
    cos, sin = rotary_tables(8, 3, 4)
    real = rotate(x.double(), cos.double(), sin.double())
    torch.testing.assert_close(rotate(x, cos, sin), real.float())


def test_complex_rotation_is_the_real_one_to_the_bit():
    cos, sin = rotary_tables(32, 4, 4)
    x = torch.randn(2, 3, 16, 32)
    even, odd = x[..., 0::2], x[..., 1::2]
    real = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)
    assert torch.equal(rotate(x, cos, sin), real)
