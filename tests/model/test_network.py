"""The network's sizes, its SAM2S additions, and that it runs in every precision."""

import pytest
import torch

from model_tools import NANO, nano
from sam2s.model import LONG_TERM_SLOT, Memory, build, preset, segment, segment_from_mask, upsample
from sam2s.model.layers import tokens


def frame(seed=0, size=64, batch=1):
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(seed))


def memory(model, objects=1, slots=(6, 0), seed=1):
    c, g = model.config, torch.Generator().manual_seed(seed)
    maps = torch.randn(objects, len(slots), c.mem_dim, c.grid, c.grid, generator=g)
    return Memory(maps, slots, torch.randn(objects, 2, c.hidden_dim, generator=g), torch.tensor([1 / 15, 4 / 15]))


@torch.inference_mode()
def track(model, objects=1, slots=(6, 0)):
    features = model.encode_image(frame(size=model.image_size))
    embedding, cls = model.attend(features.embedding, memory(model, objects, slots))
    return segment(model, embedding, features, model.encode_prompt(objects), multimask=True, cls=cls)


def test_micro_fits_the_bundle():
    model = build(preset("micro"))
    assert model.image_size == 256
    assert sum(p.numel() for p in model.parameters()) < 7e6


@pytest.mark.parametrize("size", [64, 96, 160])
def test_shapes_follow_the_image_size(size):
    model = nano(image_size=size)
    answer = track(model, objects=3)
    assert answer.logits.shape == (3, 1, size // 4, size // 4)
    assert answer.pointer.shape == (3, 64)
    remembered = model.encode_memory(
        model.encode_image(frame(size=size)).embedding,
        upsample(answer.logits, size),
        answer.object_logit,
        binarize=True,
    )
    assert remembered.shape == (3, 32, size // 16, size // 16)


def test_additions_switched_off_leave_sam2_untouched():
    """With CLS as a reader only, every output but the semantic one is that of the plain network, to rounding."""
    plain, reader = nano(), nano(semantic="reader", categories=("hook", "grasper"))
    reader.load_state_dict(plain.state_dict(), strict=False)
    a, b = track(plain), track(reader)
    assert a.cls is None
    assert b.cls is not None
    torch.testing.assert_close(a.logits, b.logits, rtol=0, atol=2e-6)
    torch.testing.assert_close(a.pointer, b.pointer, rtol=0, atol=2e-6)


def test_joint_cls_takes_part_and_reads_the_memory():
    plain, joint = nano(), nano(semantic="joint", categories=("hook", "grasper", "snare"))
    joint.load_state_dict(plain.state_dict(), strict=False)
    assert not torch.allclose(track(plain).logits, track(joint).logits, atol=1e-4)
    features = joint.encode_image(frame())
    one = joint.attend(features.embedding, memory(joint, seed=1))[1]
    other = joint.attend(features.embedding, memory(joint, seed=2))[1]
    assert not torch.allclose(one, other)
    assert joint.semantic_logits(one[:, 0]).shape == (1, 3)


def test_long_term_memory_starts_as_a_conditioning_frame():
    """Before training, a long-term map is read as the training-free filter would: in the conditioning slot."""
    model = build(NANO)
    torch.testing.assert_close(track(model, slots=(6, LONG_TERM_SLOT)).logits, track(model, slots=(6, 6)).logits)


def test_objects_share_the_frame_but_nothing_else():
    model = nano()
    features = model.encode_image(frame())
    both = memory(model, objects=2)
    alone = Memory(both.maps[1:], both.slots, both.pointers[1:], both.distances)
    torch.testing.assert_close(
        model.attend(features.embedding, both)[0][1:], model.attend(features.embedding, alone)[0], atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precisions_run_and_answer_in_float32(dtype):
    exact, model = track(nano()), nano().to(dtype)
    answer = track(model)
    assert answer.logits.dtype == answer.iou.dtype == torch.float32
    assert answer.pointer.dtype == dtype
    assert (answer.logits - exact.logits).abs().mean() < 0.1 * exact.logits.abs().mean() + 0.05


def test_digests_tell_networks_apart():
    digests = {m.digest() for m in (nano(), nano(seed=1), nano(image_size=96), nano().bfloat16())}
    assert len(digests) == 4
    assert nano().digest() in digests


@torch.inference_mode()
def test_a_network_made_in_inference_mode_runs():
    model = nano()
    assert torch.equal(model.encode_image(frame()).embedding, model.encode_image(frame()).embedding)


def test_mask_prompt_is_its_own_answer():
    model = nano()
    mask = torch.zeros(2, 1, 64, 64)
    mask[0, :, 16:48, 16:48] = 1
    answer = segment_from_mask(model, model.encode_image(frame()), mask)
    assert answer.iou.tolist() == [[1.0], [1.0]]
    assert answer.object_logit.tolist() == [[10.0], [-10.0]]
    assert (answer.logits[0, 0] > 0).sum() == 8 * 8
    assert not (answer.logits[1] > 0).any()
    torch.testing.assert_close(answer.pointer[1:], model.no_obj_ptr)


def test_absent_object_is_gated():
    model = nano()
    with torch.no_grad():
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(-50)
    answer = track(model)
    assert (answer.logits == -1024).all()
    torch.testing.assert_close(answer.pointer, model.no_obj_ptr)


def test_pointers_carry_no_position_of_the_map():
    """Swapping two pointers of equal distance changes nothing: they are a set, not a sequence."""
    model = nano()
    features, read = model.encode_image(frame()), memory(model)
    same = torch.tensor([0.2, 0.2])
    one = Memory(read.maps, read.slots, read.pointers, same)
    two = Memory(read.maps, read.slots, read.pointers.flip(1), same)
    torch.testing.assert_close(model.attend(features.embedding, one)[0], model.attend(features.embedding, two)[0])
    assert tokens(features.embedding).shape == (1, 16, 64)
