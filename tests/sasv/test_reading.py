import numpy as np
import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.reading import read_codes
from sasv.fixtures.drawing import save


def test_codes_of_16_bits_are_read_or_refused_but_never_wrapped(tmp_path):
    save(tmp_path / "low.png", np.full((4, 4), 180, np.uint16))
    save(tmp_path / "high.png", np.full((4, 4), 256 + 20, np.uint16))
    assert (read_codes(tmp_path / "low.png") == 180).all()
    with pytest.raises(DatasetError, match=r"high\.png holds code 276; codes go up to 255"):
        read_codes(tmp_path / "high.png")
