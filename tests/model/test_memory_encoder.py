"""What a frame leaves in memory depends on the mask, on the frame, and on whether the object is there."""

import torch

from model_tools import nano


@torch.no_grad()
def encoded(model, logits, object_logit=1.0, *, binarize=False, embedding=None):
    embedding = torch.ones(1, 64, 4, 4) if embedding is None else embedding
    present = torch.full((len(logits), 1), object_logit)
    return model.encode_memory(embedding, logits, present, binarize=binarize)


def logits(seed=0, objects=1):
    return torch.randn(objects, 1, 64, 64, generator=torch.Generator().manual_seed(seed))


def test_shapes_and_what_maps_depend_on():
    model = nano()
    plain = encoded(model, logits(objects=2))
    assert plain.shape == (2, 32, 4, 4)
    assert not torch.allclose(plain[0], plain[1], atol=1e-4)
    other = encoded(model, logits(objects=2), embedding=torch.zeros(1, 64, 4, 4))
    assert not torch.allclose(plain, other, atol=1e-4)


def test_a_thresholded_mask_forgets_how_sure_it_was():
    model = nano()
    assert torch.equal(encoded(model, logits(), binarize=True), encoded(model, logits() * 9, binarize=True))
    assert not torch.allclose(encoded(model, logits()), encoded(model, logits() * 9), atol=1e-4)
    sure = encoded(model, logits().sign() * 1000)
    torch.testing.assert_close(sure, encoded(model, logits(), binarize=True), atol=1e-5, rtol=1e-5)


def test_an_absent_object_marks_its_whole_map():
    model = nano()
    present, absent, border = (encoded(model, logits(), value) for value in (0.1, -0.1, 0.0))
    mark = model.no_obj_embed_spatial.detach()[..., None, None]
    torch.testing.assert_close(absent, present + mark)
    assert torch.equal(border, absent)


def test_objects_do_not_touch_each_other():
    model = nano()
    together = encoded(model, logits(objects=3))
    for n in range(3):
        torch.testing.assert_close(
            encoded(model, logits(objects=3)[n : n + 1]), together[n : n + 1], atol=1e-5, rtol=1e-5
        )
