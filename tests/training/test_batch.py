"""Batches of clips: the way to another device, and into memory that a device can read from."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest
import torch

from clip_tools import clip

TENSORS = ("images", "masks", "owner", "known", "category", "times")


def test_every_tensor_goes_to_the_device_and_the_numbers_stay():
    batch = clip(long_term=2)
    moved = batch.to("meta")
    for name in TENSORS:
        before, now = getattr(batch, name), getattr(moved, name)
        assert (now.device.type, now.dtype, now.shape) == ("meta", before.dtype, before.shape), name
    assert moved.long_term == 2
    assert {field.name for field in fields(batch)} == {*TENSORS, "long_term"}


def test_the_batch_that_is_moved_stays_where_it_was():
    batch = clip()
    batch.to(torch.device("meta"), non_blocking=True)
    assert batch.images.device.type == "cpu"
    with pytest.raises(FrozenInstanceError):
        batch.long_term = 3


def test_what_is_there_already_is_not_copied():
    batch = clip()
    assert all(getattr(batch.to("cpu"), name) is getattr(batch, name) for name in TENSORS)


def test_images_alone_are_a_batch_of_one_frame():
    batch = replace(clip(frames=1), long_term=0)
    assert batch.images.shape[:2] == (2, 1)
    assert batch.masks.shape[:2] == batch.known.shape == (3, 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="page-locked memory needs a CUDA device")
def test_pinned_batches_hold_the_same_values():
    batch = clip()
    pinned = batch.pin_memory()
    for name in TENSORS:
        assert getattr(pinned, name).is_pinned(), name
        assert torch.equal(getattr(pinned, name), getattr(batch, name)), name
