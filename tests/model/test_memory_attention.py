"""What memory attention reads, and what it must not depend on."""

import torch

from model_tools import nano
from sam2s.model import LONG_TERM_SLOT, Memory


def inputs(objects=1, maps=2, pointers=2, seed=0):
    g = torch.Generator().manual_seed(seed)
    return (
        torch.randn(1, 64, 4, 4, generator=g),
        torch.randn(objects, maps, 32, 4, 4, generator=g),
        torch.randn(objects, pointers, 64, generator=g),
        torch.arange(1.0, pointers + 1) / 15,
    )


@torch.no_grad()
def attended(model, embedding, maps, pointers, distances, slots=(6, 0)):
    return model.attend(embedding, Memory(maps, slots, pointers, distances))[0]


def test_every_part_of_memory_is_read():
    model = nano()
    embedding, maps, pointers, distances = inputs()
    plain = attended(model, embedding, maps, pointers, distances)
    assert plain.shape == embedding.shape
    changed = [
        attended(model, embedding, maps + torch.eye(4), pointers, distances),
        attended(model, embedding, maps, pointers + 1, distances),
        attended(model, embedding, maps, pointers, distances * 3),
        attended(model, embedding, maps, pointers, distances, slots=(6, 1)),
        attended(model, embedding.flip(1), maps, pointers, distances),
        attended(model, embedding, maps[:, :1], pointers, distances, slots=(6,)),
        attended(model, embedding, maps, pointers[:, :1], distances[:1]),
    ]
    assert not any(torch.allclose(plain, other, atol=1e-4) for other in changed)


def test_long_term_memory_has_a_code_of_its_own():
    model = nano()
    given = inputs()
    with torch.no_grad():
        model.long_term_tpos_enc += 1
    conditioning, long_term = (attended(model, *given, slots=(6, slot)) for slot in (6, LONG_TERM_SLOT))
    assert not torch.allclose(conditioning, long_term, atol=1e-4)
    with torch.no_grad():
        model.long_term_tpos_enc += 1
    assert torch.equal(attended(model, *given, slots=(6, 6)), conditioning)
    assert not torch.allclose(attended(model, *given, slots=(6, LONG_TERM_SLOT)), long_term, atol=1e-4)


def test_objects_read_their_own_memory_alone():
    model = nano()
    embedding, maps, pointers, distances = inputs(objects=3)
    together = attended(model, embedding, maps, pointers, distances)
    for n in range(3):
        alone = attended(model, embedding, maps[n : n + 1], pointers[n : n + 1], distances)
        torch.testing.assert_close(together[n : n + 1], alone, atol=1e-5, rtol=1e-5)


def test_distances_may_differ_between_objects():
    model = nano()
    embedding, maps, pointers, _ = inputs(objects=2)
    distances = torch.tensor([[0.1, 0.2], [0.5, -0.3]])
    together = attended(model, embedding, maps, pointers, distances)
    for n in range(2):
        alone = attended(model, embedding, maps[n : n + 1], pointers[n : n + 1], distances[n : n + 1])
        torch.testing.assert_close(together[n : n + 1], alone, atol=1e-5, rtol=1e-5)


def test_memory_without_pointers_is_read():
    model = nano()
    embedding, maps, pointers, distances = inputs(pointers=0)
    assert pointers.shape == (1, 0, 64)
    assert attended(model, embedding, maps, pointers, distances).isfinite().all()
