"""A small batch of clips whose masks are known."""

import torch

from sam2s.training.batch import ClipBatch


def clip(frames=4, long_term=0, size=64):
    """Two clips with one and two objects: bright squares that move one pixel a frame over noise."""
    g = torch.Generator().manual_seed(0)
    images = torch.randn(2, frames, 3, size, size, generator=g)
    owner = torch.tensor([0, 1, 1])
    masks = torch.zeros(3, frames, size, size, dtype=torch.bool)
    for n, (y, x) in enumerate([(8, 8), (4, 30), (36, 20)]):
        for t in range(frames):
            masks[n, t, y : y + 20, x + t : x + t + 24] = True
            images[owner[n], t, n, masks[n, t]] += 3
    known = torch.ones(3, frames, dtype=torch.bool)
    times = torch.arange(frames).expand(2, -1)
    return ClipBatch(images, masks, owner, long_term, known, torch.tensor([0, 2, -1]), times)
