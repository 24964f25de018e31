"""Two forms of one network in one tracking run: how far do their logits and masks differ, and which is faster?"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sam2s.evaluation.clicks import error_click
from sam2s.evaluation.measures import jaccard
from sam2s.memory import MemoryPolicy
from sam2s.model import Network
from sam2s.synth import Scene
from sam2s.tracking import Box, Mask, Points, Tracker
from sam2s.tracking.prompts import Prompt
from sam2s.video import Frame

POLICY = MemoryPolicy(iou_threshold=0.0, candidates=2, require_presence=False)
"""Every other frame becomes a long-term memory, so that a short run fills all places."""
SMALLEST = 0.004
"""Share of the frame that an object must cover to be tracked."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a run has shown.

    Attributes:
        frames: frames of the clip.
        masks: masks compared.
        long_term: long-term memories held at the end, of all objects.
        logits: largest difference of two logits; infinite where one is not a number.
        iou: mean IoU of the masks of one form with those of the other.
        worst_iou: the smallest one.
        seconds: median time of a frame, the reference first.
    """

    frames: int
    masks: int
    long_term: int
    logits: float
    iou: float
    worst_iou: float
    seconds: tuple[float, float]


def agreement(reference: Network, other: Network, *, frames: int = 24, size: int = 256) -> Agreement:
    """Track three objects of a drawn clip with both, frame by frame in turn, each with a memory of its own.

    One object is given by a box and later corrected by a click on a frame that was already tracked, one is given by a
    click, and one by a mask while the others are tracked.
    """
    scene, ids = _scene(size, frames)
    trackers = [Tracker(network, POLICY) for network in (reference, other)]
    times: list[list[float]] = []
    logits, ious = 0.0, []
    for t in range(frames):
        picture, labels = scene.render(t)
        frame = Frame(picture, t)
        for prompts in _prompts_before_steps(t, frames, labels, ids):
            results, took = [], []
            for tracker in trackers:
                began = time.perf_counter()
                for object_id, prompt in prompts.items():
                    tracker.add_prompt(object_id=object_id, prompt=prompt)
                results.append(tracker.step(frame).objects)
                took.append(time.perf_counter() - began)
            times.append(took)
            for object_id, ours in results[0].items():
                theirs = results[1][object_id]
                logits = max(logits, largest_difference(ours.low_res_logits, theirs.low_res_logits))
                ious.append(jaccard(ours.mask, theirs.mask))
    memories = sum(len(track.bank.long_term) for track in trackers[0].tracks.values())
    first, second = (statistics.median(column) for column in zip(*times, strict=True))
    return Agreement(frames, len(ious), memories, logits, float(np.mean(ious)), min(ious), (first, second))


def largest_difference(a: np.ndarray | Tensor, b: np.ndarray | Tensor) -> float:
    """Largest difference of two numbers at one place; infinite where one of them is none."""
    difference = float((torch.as_tensor(a) - torch.as_tensor(b)).abs().max())
    return difference if math.isfinite(difference) else math.inf


def _prompts_before_steps(t: int, frames: int, labels: np.ndarray, ids: list[int]) -> list[dict[int, Prompt]]:
    """What is pointed at before each step of a frame; a correction steps the frame a second time."""
    boxed, clicked, masked = ids
    if t == 0:
        y, x = np.nonzero(labels == boxed)
        box = Box(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1))
        return [{boxed: box, clicked: _click(labels == clicked)}]
    if t == frames // 4 and (labels == masked).any():
        return [{masked: Mask(labels == masked)}]
    if t == frames // 3 and (labels == boxed).any():
        return [{}, {boxed: _click(labels == boxed)}]
    return [{}]


def _click(mask: np.ndarray) -> Points:
    click = error_click(mask)
    assert click is not None, "only objects that are seen are clicked"
    return Points([(click.x, click.y)])


def _scene(size: int, frames: int) -> tuple[Scene, list[int]]:
    """The first scene whose first frame shows three objects, and their ids."""
    seed = 0
    while True:
        scene = Scene(seed, size, frames)
        _, labels = scene.render(0)
        ids = [item.id for item in scene.objects if (labels == item.id).mean() > SMALLEST]
        if len(ids) >= 3:
            return scene, ids[:3]
        seed += 1
