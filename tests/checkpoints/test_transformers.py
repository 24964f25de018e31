"""Models that transformers saved."""

import json

import pytest
import torch
from transformers import Sam2VideoConfig, Sam2VideoModel

import sam2s
from sam2s.checkpoints import compare_with_network, load_checkpoint, read_checkpoint
from sam2s.errors import CheckpointError

TRUNK = {
    "model_type": "sam2_hiera_det_model",
    "hidden_size": 16,
    "num_attention_heads": 2,
    "blocks_per_stage": [1, 1, 2, 1],
    "embed_dim_per_stage": [16, 32, 64, 128],
    "num_attention_heads_per_stage": [2, 4, 8, 16],
    "global_attention_blocks": [3],
    "window_size_per_stage": [8, 4, 4, 2],
    "image_size": [128, 128],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small video model with random weights, saved by transformers in two shards."""
    config = Sam2VideoConfig(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": TRUNK,
            "backbone_channel_list": [128, 64, 32, 16],
            "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
            "fpn_hidden_size": 128,
        },
        prompt_encoder_config={"hidden_size": 128, "image_size": 128},
        mask_decoder_config={"hidden_size": 128, "mlp_dim": 96, "num_attention_heads": 4, "iou_head_hidden_dim": 128},
        image_size=128,
        memory_attention_hidden_size=128,
        memory_attention_num_layers=2,
        memory_attention_feed_forward_hidden_size=80,
        memory_attention_rope_feat_sizes=[8, 8],
        memory_encoder_hidden_size=128,
        mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128,
        memory_fuser_intermediate_dim=512,
    )
    path = tmp_path_factory.mktemp("transformers")
    torch.manual_seed(0)
    Sam2VideoModel(config).save_pretrained(path, max_shard_size="4MB")
    assert len(list(path.glob("*.safetensors"))) > 1
    return path


def test_every_tensor_finds_its_place(folder):
    config, state, metadata = read_checkpoint(folder)
    report = compare_with_network(config, state)
    assert report.missing == ("long_term_tpos_enc",)
    assert (report.unexpected, report.misshaped) == ((), ())
    assert metadata.format == "transformers"
    assert (config.num_heads, config.stages, config.global_blocks) == (2, (1, 1, 2, 1), (3,))
    assert (config.window_sizes, config.image_size, config.decoder_heads) == ((8, 4, 4, 2), 128, 4)
    assert sam2s.load(folder, device="cpu").image_size == 128


def test_image_embedding_is_that_of_transformers(folder):
    """Catches tensors of one shape that a wrong name would swap; whole tracks are compared elsewhere."""
    reference, ours = Sam2VideoModel.from_pretrained(folder).eval(), sam2s.load(folder, device="cpu")
    image = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = reference.vision_encoder(image).fpn_hidden_states[-1]
        torch.testing.assert_close(ours.image_encoder(image)[-1], expected, atol=1e-4, rtol=1e-4)


def test_other_transformers_models_are_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "sam3_video"}))
    with pytest.raises(CheckpointError, match="of type 'sam3_video', not 'sam2_video'"):
        load_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"cannot read .*config\.json"):
        load_checkpoint(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"index\.json has no weight_map"):
        load_checkpoint(tmp_path)
