"""Networks that descend from SAM 2 are told apart by their tensors and refused by name."""

import pytest
import torch

from model_tools import nano
from sam2s.checkpoints import inspect_checkpoint, load_checkpoint
from sam2s.checkpoints.families import foreign_family
from sam2s.errors import CheckpointError
from sam2s.model import build, preset


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


def test_the_successor_is_known_by_its_name_where_its_weights_do_not_fit(tmp_path):
    """Nobody here has seen how SurgSLOT names its tensors, so that no tensor can give it away."""
    unknown, altered = {"backbone.x": torch.zeros(1)}, build(preset("micro")).state_dict()
    altered["slot.weight"] = torch.zeros(1)
    hint = r"Its name says SurgSLOT: .*stands on the image encoder of SAM 3.* a mapping file loads it if"
    for state, reason in ((unknown, "holds no SAM 2.1 weights"), (altered, "slot.weight")):
        torch.save(state, tmp_path / "surgslot_v2.pt")
        with pytest.raises(CheckpointError, match=rf"(?s){reason}.*{hint}"):
            load_checkpoint(tmp_path / "surgslot_v2.pt")
        assert inspect_checkpoint(tmp_path / "surgslot_v2.pt").family.name == "SurgSLOT"
        torch.save(state, tmp_path / "other.pt")
        with pytest.raises(CheckpointError) as refusal:
            load_checkpoint(tmp_path / "other.pt")
        assert "SurgSLOT" not in str(refusal.value)
    torch.save({"detector.x": torch.zeros(1)}, tmp_path / "SurgSLOT.pt")
    with pytest.raises(CheckpointError, match=r"(?s)belongs to SAM 3, not to SAM 2\.1.*Its name says SurgSLOT"):
        load_checkpoint(tmp_path / "SurgSLOT.pt")


def test_a_repository_of_the_successor_is_named_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match="Its name says SurgSLOT"):
        load_checkpoint("hf:someone/SurgSLOT")
