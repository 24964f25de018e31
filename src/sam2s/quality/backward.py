"""The backward check: track backward from a mask, and compare with the mask that it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sam2s.errors import PromptError
from sam2s.model import Network
from sam2s.tracking import Mask, Tracker
from sam2s.video.frame import Frame

from .observation import overlap


def backward_agreement(
    network: Network,
    frames: Sequence[Frame],
    first: Mapping[int, np.ndarray],
    last: Mapping[int, np.ndarray],
) -> dict[int, float]:
    """IoU per object of the mask on the first frame of a window with the result of tracking backward to it.

    A new tracker is prompted with the masks on the last frame and tracks the window backward. If an object was lost or
    confused with another on the way forward, it does not return to the first mask. The cost is that of tracking the
    window again, so this is a check for single frames.

    Args:
        network: the network.
        frames: of the window, in the order of the video.
        first, last: bool [H, W] by object on the first and on the last frame, as they were tracked forward.

    Returns:
        0 to 1 for each object that has a mask on both frames, or an empty one on the first.

    Raises:
        PromptError: no object has a mask on the last frame, or the window has fewer than two frames.
    """
    starts = {i: mask for i, mask in last.items() if i in first and mask.any()}
    if len(frames) < 2 or not starts:
        raise PromptError(
            f"there is nothing to track back over {len(frames)} frames with {len(starts)} masks on the last one; give "
            "two frames or more, and a frame on which objects are seen"
        )
    tracker = Tracker(network)
    for object_id, mask in starts.items():
        tracker.add_prompt(object_id=object_id, prompt=Mask(mask))
    for time, frame in enumerate(reversed(frames)):
        result = tracker.step(Frame(frame.image, time))
    return {i: overlap(result.objects[i].mask, first[i]) for i in starts}
