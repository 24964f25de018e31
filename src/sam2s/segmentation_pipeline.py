"""A pipeline in the style of transformers: `pipeline("video-segmentation")(video, input_boxes=...)`.

transformers has no such task for videos; the names of arguments and results follow its mask pipelines and
`Sam2VideoProcessor`. The pipeline is a loop over `Tracker.step`, so videos of any length run in constant memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from sam2s.errors import ConfigError, PromptError
from sam2s.loading import load
from sam2s.model import Network
from sam2s.tracking import Box, FrameResult, Mask, Points, Tracker
from sam2s.tracking.prompts import Prompt
from sam2s.video import open_source

TASK = "video-segmentation"


class VideoSegmentationPipeline:
    """Segments objects in videos; can be reused for many videos.

    Args:
        model: a name or path as for `sam2s.load`, or a network.
        device: as for `sam2s.load`; ignored if `model` is a network.
    """

    task = TASK

    def __init__(self, model: str | Network = "micro", *, device: str = "auto") -> None:
        self.model: Network = load(model, device=device) if isinstance(model, (str, PathLike)) else model

    def __call__(
        self,
        video: str | PathLike[str] | np.ndarray | Sequence[np.ndarray],
        *,
        input_boxes: Sequence[Sequence[float]] | None = None,
        input_points: Sequence[Sequence[Sequence[float]]] | None = None,
        input_labels: Sequence[Sequence[int]] | None = None,
        input_masks: Sequence[np.ndarray] | None = None,
        labels: Sequence[str] | None = None,
        frame: int = 0,
        num_frames: int | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """Track prompted objects through a video.

        Exactly one of `input_boxes`, `input_points` and `input_masks` is given; objects are numbered from 1.

        Args:
            video: as for `sam2s.open_source`.
            input_boxes: a box (x0, y0, x1, y1) per object, in pixels of the frame.
            input_points: clicks (x, y) per object, in pixels of the frame.
            input_labels: 1 (on the object) or 0 (off it) for each click; by default all are 1.
            input_masks: a mask [H, W] per object, at the size of the frame.
            labels: names of the objects.
            frame: index of the prompted frame, where tracking starts.
            num_frames: number of frames to track, that one included; by default to the end.

        Returns:
            an iterator over frames, each a list with a dict per object: `object_id`, `label`, `score` (predicted IoU),
            `presence`, `mask` (PIL image of 0 and 255), `frame` (index) and `timestamp` (seconds, or None).

        Raises:
            PromptError: the prompts are missing, inconsistent or do not fit the frame.
            SourceError: the video cannot be read.
        """
        prompts = _prompts(input_boxes, input_points, input_labels, input_masks)
        names = list(labels or [])
        if names and len(names) != len(prompts):
            raise PromptError(f"labels has {len(names)} names for {len(prompts)} objects; give one for each")
        names = names or [f"object {number}" for number in range(1, len(prompts) + 1)]
        return self._track(video, prompts, names, frame, num_frames)

    def _track(
        self, video: Any, prompts: list[Prompt], names: list[str], frame: int, num_frames: int | None
    ) -> Iterator[list[dict[str, Any]]]:
        stop = None if num_frames is None else frame + num_frames
        tracker = Tracker(self.model)
        for object_id, prompt in enumerate(prompts, 1):
            tracker.add_prompt(object_id=object_id, prompt=prompt)
        with closing(open_source(video)) as source:
            for picture in source.frames(frame, stop):
                yield _described(tracker.step(picture), names)


def pipeline(task: str = TASK, model: str | Network = "micro", *, device: str = "auto") -> VideoSegmentationPipeline:
    """Create a pipeline by the name of its task, as in transformers.

    Raises:
        ConfigError: there is no such task.
    """
    if task != TASK:
        raise ConfigError(f"task {task!r} is not known; the only one is {TASK!r}")
    return VideoSegmentationPipeline(model, device=device)


def _prompts(
    boxes: Sequence[Any] | None, points: Sequence[Any] | None, labels: Sequence[Any] | None, masks: Sequence[Any] | None
) -> list[Prompt]:
    given = [kind for kind in (boxes, points, masks) if kind is not None]
    if len(given) != 1 or not len(given[0]):
        raise PromptError("give one of input_boxes, input_points and input_masks, with an entry for each object")
    if boxes is not None:
        if wrong := [box for box in boxes if len(box) != 4]:
            raise PromptError(f"box {list(wrong[0])} has not four numbers x0, y0, x1, y1")
        return [Box(*box) for box in boxes]
    if masks is not None:
        return [Mask(mask) for mask in masks]
    assert points is not None
    each = labels if labels is not None else [[1] * len(clicks) for clicks in points]
    if [len(clicks) for clicks in points] != [len(signs) for signs in each]:
        raise PromptError("input_labels has not a label for each of input_points; give as many, object by object")
    return [Points(clicks, signs) for clicks, signs in zip(points, each, strict=True)]


def _described(result: FrameResult, names: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "object_id": object_id,
            "label": names[object_id - 1],
            "score": found.iou,
            "presence": found.presence,
            "mask": Image.fromarray(found.mask.astype(np.uint8) * 255),
            "frame": result.index,
            "timestamp": None if result.pts is None else float(result.pts),
        }
        for object_id, found in result.objects.items()
    ]
