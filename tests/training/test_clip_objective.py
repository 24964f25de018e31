"""One batch down to its loss: checkpointing and precision change nothing but memory and time."""

import pytest
import torch

from model_tools import nano
from sam2s.training.clip_objective import ClipObjective, enable_activation_checkpointing
from sam2s.training.data import ClipSettings, ClipStream, SourceSettings, open_source
from sam2s.training.losses import LossWeights
from sam2s.training.prompting import PromptRules


@pytest.fixture(scope="module")
def batch():
    source = open_source(SourceSettings(place="synthetic", length=12), size=64)
    settings = ClipSettings(size=64, frames=5, clips=1, objects=2, min_area=0.02, picture_share=0.0)
    return ClipStream([source], settings, ["hook"]).batch(0)


def gradients(batch, *, precision, checkpointed, part=None):
    """Gradients of the whole network, by name, and the loss."""
    network = nano().train()
    if checkpointed:
        enable_activation_checkpointing(network)
    objective = ClipObjective(network, PromptRules(rounds=1), LossWeights(tsl=0), seed=3, precision=precision)
    loss, _, _ = objective(batch, 0, 0, objects=2.0, teacher=0.0, scale=100.0, keep=False)
    loss.backward()
    return loss.item(), {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_computing_activations_again_gives_the_same_gradients(batch, precision):
    """In bf16 on a processor attention must be computed again by the kernel that computed it first."""
    loss, plain = gradients(batch, precision=precision, checkpointed=False)
    again, recomputed = gradients(batch, precision=precision, checkpointed=True)
    assert again == pytest.approx(loss, rel=1e-6)
    assert plain.keys() == recomputed.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(recomputed[name], gradient, rtol=1e-4, atol=1e-6)
    assert any(name.startswith("image_encoder.trunk.blocks.0") and g.abs().max() > 0 for name, g in plain.items())


def test_nothing_stays_switched_on(batch):
    gradients(batch, precision=torch.bfloat16, checkpointed=True)
    assert not torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    assert torch.backends.cuda.flash_sdp_enabled()
    assert not torch.is_autocast_enabled("cpu")
