"""Networks that descend from SAM 2 are told apart by their tensors and refused by name."""

import pytest
import torch

from model_tools import nano
from sam2s.checkpoints import load_checkpoint
from sam2s.checkpoints.families import foreign_family
from sam2s.errors import CheckpointError


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ({"detector.backbone.x": torch.zeros(1), "tracker.maskmem_tpos_enc": torch.zeros(7, 1, 1, 64)}, "SAM 3"),
        ({"spatial_perceiver.latents": torch.zeros(1), "no_mem_embed": torch.zeros(1, 1, 256)}, "EdgeTAM"),
        ({"image_encoder.trunk.body.stem.conv.weight": torch.zeros(1)}, "EdgeTAM"),
        ({"image_encoder.trunk.pos_embed": torch.zeros(1, 197, 192)}, "EfficientTAM"),
        ({"image_encoder.blocks.0.norm1.weight": torch.zeros(1)}, "SAM (the first version)"),
    ],
)
def test_families_are_recognised_and_refused(state, name, tmp_path):
    family = foreign_family(state)
    assert family is not None
    assert family.name == name
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(CheckpointError) as refusal:
        load_checkpoint(tmp_path / "w.pt")
    assert f"belongs to {name}, not to SAM 2.1" in str(refusal.value)
    assert family.advice in str(refusal.value)


def test_sam_21_belongs_to_no_foreign_family():
    assert foreign_family(nano().state_dict()) is None
