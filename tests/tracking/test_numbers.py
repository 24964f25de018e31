"""Numbers of Python, numpy and torch are taken alike; what is not a number is refused with its name."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from sam2s.errors import ConfigError, PromptError
from sam2s.tracking.numbers import at_least, finite_number, whole_number

NO_NUMBERS = ["3", None, float("nan"), float("inf"), [1, 2], np.arange(2), torch.arange(3), 1j, Decimal(1), Fraction(1)]


@pytest.mark.parametrize(
    "value",
    [3, 3.0, np.int64(3), np.uint8(3), np.float32(3), np.array(3), np.array([3]), torch.tensor(3), torch.tensor([3.0])],
)
def test_whole_numbers_of_any_library(value):
    number = whole_number(value, "frame")
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [*NO_NUMBERS, 2.5, np.float32(0.1), torch.tensor(-1.5)])
def test_what_is_no_whole_number_is_named(value):
    with pytest.raises(PromptError, match=r"^object_id .* is not a whole number; give an int"):
        whole_number(value, "object_id")


@pytest.mark.parametrize(
    "value", [0.25, np.float64(0.25), np.float16(0.25), torch.tensor(0.25), torch.tensor([[0.25]])]
)
def test_floats_of_any_library(value):
    number = finite_number(value, "x")
    assert number == 0.25
    assert type(number) is float


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_finite_number_is_named(value):
    with pytest.raises(PromptError, match=r"^box x0 .* is not a finite number"):
        finite_number(value, "box x0")


def test_settings_that_count_something():
    assert at_least(1, np.int32(1), "stride") == 1
    with pytest.raises(ConfigError, match="stride 0 is too small; give at least 1"):
        at_least(1, 0, "stride")
    with pytest.raises(ConfigError, match=r"stride 1.5 is not a whole number"):
        at_least(1, 1.5, "stride")
