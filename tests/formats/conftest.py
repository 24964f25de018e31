import pytest

from result_tools import FPS, SIZE
from sam2s.formats.run_info import RunInfo


@pytest.fixture
def info():
    return RunInfo(
        "clip",
        "abc123",
        SIZE,
        FPS,
        {1: "grasper", 2: "hook"},
        [{"frame": 0, "object_id": 1, "prompt": {"box": {"x0": 1, "y0": 2, "x1": 3, "y1": 4}}}],
        "micro",
        "f00d",
        {"name": "divemem", "long_term": 4},
        {"image_size": 256, "stride": 1},
    )
