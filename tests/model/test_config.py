"""Presets and the limits of their numbers."""

import pytest
import torch

from sam2s.errors import ConfigError
from sam2s.model import build, preset


@pytest.mark.parametrize(
    ("name", "entries", "millions"),
    [("tiny", 471, 38.96), ("small", 519, 46.06), ("base-plus", 615, 80.85), ("large", 903, 224.45)],
)
def test_presets_have_the_published_size(name, entries, millions):
    with torch.device("meta"):
        model = build(preset(name, image_size=512))
    additions = {"long_term_tpos_enc"}
    official = {key: value for key, value in model.state_dict().items() if key not in additions}
    assert len(official) == entries
    count = sum(p.numel() for p in model.parameters()) - model.long_term_tpos_enc.numel()
    assert round(count / 1e6, 2) == millions


@pytest.mark.parametrize("size", [100, 32, 500])
def test_image_size_must_fit_the_strides(size):
    with pytest.raises(ConfigError, match=f"image_size {size} cannot be used.*multiple of 32"):
        preset("tiny", image_size=size)


def test_memory_has_the_slots_of_sam2():
    with pytest.raises(ConfigError, match=r"num_maskmem 5 cannot be used.*give 7"):
        preset("tiny", num_maskmem=5)


def test_unknown_preset_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'base-plus'"):
        preset("base_plus")
