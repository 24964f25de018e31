"""`benchmarks/against_onnx.py` reports a network under no other flags than its own."""

import json
import sys
from pathlib import Path

import pytest

from sam2s.checkpoints.native import record
from sam2s.model import preset
from sam2s.onnx import FILE

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from against_onnx import require


def test_an_export_made_with_other_flags_is_refused(tmp_path):
    tiny = preset("tiny", image_size=512)
    (tmp_path / FILE).write_text(json.dumps({"version": 1, "precision": "int8", "network": record(tiny)}))
    require(tmp_path, tiny, "int8")
    for config, precision in ((tiny, "float32"), (preset("tiny"), "int8"), (preset("small", image_size=512), "int8")):
        with pytest.raises(SystemExit, match=r"network: tiny for images of 512 in int8, wanted .* or another --folder"):
            require(tmp_path, config, precision)
