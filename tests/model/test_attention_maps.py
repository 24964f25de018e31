"""Recorded attention is the attention that was used, and using it changes nothing."""

import pytest
import torch

from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.model import Memory
from sam2s.model.attention_maps import CHUNK, attention_shares, record_attention


def memory(model, maps=3, pointers=2, batch=1):
    c = model.config
    generator = torch.Generator().manual_seed(1)

    def noise(*shape):
        return torch.randn(*shape, generator=generator)

    held = noise(batch, maps, c.mem_dim, c.grid, c.grid)
    slots = (6, *range(maps - 1))
    return Memory(held, slots, noise(batch, pointers, c.hidden_dim), torch.arange(1.0, pointers + 1) / 15)


@pytest.mark.parametrize("semantic", ["off", "joint"])
def test_weights_times_values_are_what_attention_gave(semantic):
    model = nano(semantic=semantic)
    area, embedding = model.config.grid**2, torch.randn(1, 64, 4, 4, generator=torch.Generator().manual_seed(2))
    inputs, outputs, layers = [], [], list(model.memory_attention.layers)
    for layer in layers:  # what goes through each attention, seen by hooks on its projections
        layer.cross_attn_image.v_proj.register_forward_hook(lambda m, args, out: inputs.append(out))
        layer.cross_attn_image.out_proj.register_forward_hook(lambda m, args, out: outputs.append(args[0]))
    with torch.inference_mode():
        plain, _ = model.attend(embedding, memory(model))
        inputs.clear()
        outputs.clear()
        with record_attention(model, torch.eye(area)) as recorded:
            seen, _ = model.attend(embedding, memory(model))
    assert torch.equal(plain, seen)
    assert len(recorded) == len(layers) == 2
    keys = 3 * area + 2 * (model.config.hidden_dim // model.config.mem_dim)
    for weights, values, output in zip(recorded, inputs, outputs, strict=True):
        assert weights.shape == (1, area, keys)
        torch.testing.assert_close(weights.sum(-1), torch.ones(1, area))
        torch.testing.assert_close(weights @ values, output[:, :area], atol=1e-5, rtol=1e-4)


def test_groups_are_sums_over_their_tokens_however_many_there_are():
    generator = torch.Generator().manual_seed(3)
    q, k = torch.randn(2, CHUNK + 40, 8, generator=generator), torch.randn(2, 7, 8, generator=generator)
    groups = torch.rand(3, CHUNK + 30, generator=generator)  # the last ten queries belong to none
    shares = attention_shares(q, k, groups, heads=2)
    q2, k2 = (t.unflatten(2, (2, 4)).transpose(1, 2) for t in (q, k))
    direct = (q2 @ k2.transpose(2, 3) / 2).softmax(-1).mean(1)[:, : CHUNK + 30]
    torch.testing.assert_close(shares, torch.einsum("gq,bqm->bgm", groups, direct))
    torch.testing.assert_close(shares.sum(-1), groups.sum(-1).expand(2, -1))


def test_nothing_is_left_behind_and_after_an_error_neither():
    model = nano()
    with pytest.raises(RuntimeError, match="stop"), record_attention(model, torch.eye(16)) as recorded:
        raise RuntimeError("stop")
    for layer in model.memory_attention.layers:
        attention = layer.cross_attn_image
        tokens = torch.zeros(1, 16, attention.q_proj.out_features)
        attention.attend(tokens, tokens, tokens)
    assert recorded == [], "attention after the block is not recorded"


def test_an_exported_network_is_refused():
    class Exported:
        config = nano().config

    with (
        pytest.raises(ConfigError, match="cannot be seen in an exported network"),
        record_attention(Exported(), torch.eye(4)),
    ):
        pass
