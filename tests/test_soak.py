"""Hours of video leave the memory of the process as it was."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from soak import growth_a_frame, smallest, soak


@pytest.mark.slow
def test_memory_is_flat_while_objects_come_and_go():
    sizes = [size for _, size in soak(smallest(), 6000)]
    assert growth_a_frame(sizes) < 1024


def test_growth_is_that_of_the_second_half():
    assert growth_a_frame([0, 900, 1000, 1010, 1020, 1030]) == pytest.approx(10)
