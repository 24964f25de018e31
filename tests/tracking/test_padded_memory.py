"""Memories of different lengths as one batch: what is filled up changes nothing but rounding."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from model_tools import nano
from sam2s.memory import Recall
from sam2s.model import LONG_TERM_SLOT, Memory
from sam2s.tracking.padded_memory import MAPS, OBJECTS, POINTERS, batches, filled, pad_recalls

DIM, MEM, GRID = 64, 32, 4


def recall(maps, pointers, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Recall(
        tuple(torch.randn(MEM, GRID, GRID, generator=generator) for _ in range(maps)),
        tuple((6, 5, 4, 3, 2, 1, 0, LONG_TERM_SLOT)[-maps:]) if maps < 8 else (6,) * maps,
        tuple(torch.randn(DIM, generator=generator) for _ in range(pointers)),
        tuple(range(1, pointers + 1)),
        tuple(range(maps)),
        tuple(range(pointers)),
    )


@given(st.integers(1, 200), st.sampled_from([OBJECTS, MAPS, POINTERS]))
def test_sizes_hold_what_they_are_asked_for_and_are_few(count, sizes):
    size = filled(count, sizes)
    assert size >= count
    assert size in sizes or (size % sizes[-1] == 0 and size - count < sizes[-1])
    assert filled(size, sizes) == size


def test_objects_are_cut_into_batches_of_the_largest_size():
    assert [len(batch) for batch in batches([recall(1, 1)] * 35)] == [16, 16, 3]
    assert list(batches([])) == []


def test_what_is_filled_up_is_marked_as_not_read():
    memory = pad_recalls(
        [recall(3, 1), recall(1, 2, 1), recall(2, 0, 2)], last_slot=7, pointer_limit=16, pointer_dim=DIM
    )
    assert memory.maps.shape == (4, 4, MEM, GRID, GRID)
    assert memory.pointers.shape == (4, 2, DIM)
    assert memory.read_maps.sum(1).tolist() == [3, 1, 2, 2]
    assert memory.read_pointers.sum(1).tolist() == [1, 2, 0, 0]
    assert memory.slots[0].tolist() == [1, 0, 7, 0]
    assert memory.distances[1].tolist() == [torch.tensor(1 / 15).item(), torch.tensor(2 / 15).item()]
    assert torch.equal(memory.maps[3], memory.maps[2])


def test_objects_without_pointers_have_places_for_them_all_the_same():
    memory = pad_recalls([recall(1, 0)], last_slot=7, pointer_limit=16, pointer_dim=DIM)
    assert memory.pointers.shape == (1, 2, DIM)
    assert not memory.read_pointers.any()


@torch.inference_mode()
def test_a_frame_reads_the_same_from_memory_that_was_filled_up():
    model = nano(semantic="joint", categories=("hook", "grasper"))
    recalls = [recall(3, 1), recall(5, 4, 1), recall(1, 0, 2)]
    embedding = torch.randn(1, DIM, GRID, GRID, generator=torch.Generator().manual_seed(5))
    memory = pad_recalls(
        recalls, last_slot=len(model.maskmem_tpos_enc), pointer_limit=16, pointer_dim=model.config.hidden_dim
    )
    together, cls = model.attend_slots(embedding, *memory[:4], read=memory[4:])
    for row, own in enumerate(recalls):
        pointers = torch.stack(own.pointers)[None] if own.pointers else torch.zeros(1, 0, DIM)
        distances = torch.tensor(own.distances, dtype=torch.float32) / 15
        alone, own_cls = model.attend(embedding, Memory(torch.stack(own.maps)[None], own.slots, pointers, distances))
        torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(cls[row], own_cls[0], atol=1e-5, rtol=1e-5)
