"""Taught weights in a served folder, as teaching would leave them."""

import shutil
from pathlib import Path

from sam2s.checkpoints import load_checkpoint, save_checkpoint
from sam2s.teaching import TaughtFolder, TaughtWeights

SCORES = {"before": {"val_jf": 40.0, "val_jf_box": 40.0}, "after": {"val_jf": 52.5, "val_jf_box": 52.5}}
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "app-start.jpg"


def add_taught(folder, *, better=True, weights="micro"):
    """Put weights into the list as teaching would; they are those of the start."""
    taught = TaughtFolder(folder / ".sam2s/taught/micro", "micro")
    number = taught.next_number()
    config, state, metadata = load_checkpoint(weights)
    if better:
        save_checkpoint(taught.path(number), state, config, metadata)
        taught.pictures(number).mkdir()
        shutil.copy(PICTURE, taught.pictures(number) / "clip-000014.jpg")
    workspaces = (str(folder / "clip.mp4.sam2s"),)
    taught.add(
        TaughtWeights(number, "micro", better, float(better), workspaces, 2.0, (12, 10), SCORES, "Ada"), use=False
    )
    return number
