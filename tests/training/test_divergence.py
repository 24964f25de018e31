"""What is kept of a step that cannot be made."""

import pytest
import torch
from PIL import Image

from sam2s.training.batch import ClipBatch
from sam2s.training.divergence import DivergedError, refuse_step
from sam2s.training.processes import Processes

ALONE = Processes(0, 1, torch.device("cpu"))


def batch(level):
    return ClipBatch(
        images=torch.full((1, 2, 3, 32, 32), float(level)),
        masks=torch.zeros(1, 2, 32, 32, dtype=torch.bool),
        owner=torch.zeros(1, dtype=torch.long),
        long_term=0,
        known=torch.ones(1, 2, dtype=torch.bool),
        category=torch.tensor([-1]),
        times=torch.arange(2)[None],
    )


@pytest.mark.parametrize(
    ("losses", "kept"),
    [((1.0, float("nan"), 2.0), [1]), ((1.0, 2.0, 3.0), [0, 1, 2]), ((float("inf"),) * 3, [0, 1, 2])],
)
def test_the_batches_to_blame_are_kept(tmp_path, losses, kept):
    """Those whose loss is not a number; all of them where only the gradient is none."""
    with pytest.raises(DivergedError, match=r"step 4 has the gradient norm nan .*; nothing was changed"):
        refuse_step(float("nan"), losses, [batch(0), batch(1), batch(2)], 4, tmp_path, ALONE)
    files = sorted(tmp_path.glob("*.pt"))
    levels = [torch.load(file, weights_only=True)["images"][0, 0, 0, 0, 0].item() for file in files]
    assert levels == kept
    assert all(Image.open(file.with_suffix(".png")).size[0] > 32 for file in files)
