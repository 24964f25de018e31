"""The ablation keeps what is done, and says so where that is not what was asked for."""

import sys
from pathlib import Path

import pytest

from sam2s.errors import OutputError
from sasv.fixtures.drawing import disc, picture, save

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from ablation import benchmark


def test_another_number_of_clips_is_refused(tmp_path):
    for number in range(2):
        for kind, pixels in (("frames", picture()), ("masks", disc(20, 20, 8))):
            save(tmp_path / f"long/{number:02}/{kind}/00000.png", pixels)
    assert len(benchmark(tmp_path, 2)) == 2
    with pytest.raises(OutputError, match="holds 2 clips, not 4; use --clips 2, or another --out"):
        benchmark(tmp_path, 4)
