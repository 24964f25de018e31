import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import ConfigError, LimitError
from sam2s.limits import MAX_PIXELS, check_pixels, max_pixels, set_max_pixels


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.setenv("SAM2S_MAX_PIXELS", "")


def test_the_limit_is_the_largest_that_passes():
    assert max_pixels() == MAX_PIXELS == 8192 * 8192
    check_pixels(8192, 8192, "a.png")
    with pytest.raises(
        LimitError,
        match=r"a\.png: 8193x8192 are 67117056 pixels, more than the limit of 67108864; .*--max-pixels 67117056",
    ):
        check_pixels(8192, 8193, "a.png")


def test_it_can_be_set_and_passes_to_other_processes():
    set_max_pixels(12)
    assert max_pixels() == 12
    code = "from sam2s.limits import max_pixels; print(max_pixels())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "12\n"


@pytest.mark.parametrize("text", ["0", "-1", "many", "1e9"])
def test_what_is_no_limit(monkeypatch, text):
    monkeypatch.setenv("SAM2S_MAX_PIXELS", text)
    with pytest.raises(ConfigError, match=f"SAM2S_MAX_PIXELS is '{text}'; give a whole number of pixels"):
        max_pixels()
    with pytest.raises(ConfigError, match="--max-pixels 0: give a whole number from 1 up"):
        set_max_pixels(0)


def test_the_flag(tmp_path):
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "0.png")
    command = [sys.executable, "-m", "sam2s", "--max-pixels", "599", "track", str(tmp_path / "0.png")]
    done = subprocess.run(
        [*command, "--box", "1@0:2,2,9,9", "--out", str(tmp_path / "o")], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "30x20 are 600 pixels, more than the limit of 599" in done.stderr
    assert not (tmp_path / "o").exists()
