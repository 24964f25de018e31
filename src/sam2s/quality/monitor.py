"""Judges every mask as it is tracked: one frame in, the same result with its quality out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from sam2s.model import ImageFeatures, Network
from sam2s.tracking import FrameResult, MaskQuality, ObjectResult, ObjectState
from sam2s.video.frame import Frame

from .alarms import doubt_prompt, raise_alarms
from .calibration import QualityModel, default_model
from .features import EMPTY, SEEN, as_row, describe_absence, describe_mask, logit
from .history import ObjectHistory
from .observation import Observation, PictureSample, grid_logits, observe, overlap, sample_picture
from .prompt_check import PromptWarning, prompt_agreement, prompt_kind, prompt_warning


class QualityMonitor:
    """Judges the masks of a stream of results, in constant memory and at a few hundredths of the tracker's cost.

        monitor = QualityMonitor(network)
        result = monitor.observe(frame, tracker.step(frame), tracker.context(frame, tracker.time).features)
        result.objects[1].quality.doubt  # probability that the true IoU is under 0.5

    Frames come in the order of tracking. A frame that comes again, after a correction, is judged anew against the same
    past. A prompt in doubt is warned of (`PromptWarning`). `state_dict` and `load_state_dict` carry the past from one
    process to another.

    Args:
        network: whose results they are: its own quality model is used, or the default.
        model: another quality model.
        check_prompts: ask the network how far masks of jittered prompts agree, once for each object: one decoder call.
        on_features: is told of each mask the frame, the object, the features, and whether it is empty.
    """

    def __init__(
        self,
        network: Network,
        model: QualityModel | None = None,
        *,
        check_prompts: bool = True,
        on_features: Callable[[int, int, np.ndarray, bool], None] | None = None,
    ) -> None:
        self.network = network
        self.model = model or model_of(network)
        self.check_prompts, self.on_features = check_prompts, on_features
        self._histories: dict[int, ObjectHistory] = {}
        self._before: dict[int, ObjectHistory] | None = None  # as the histories were before the frame seen last
        self._frame: int | None = None

    def observe(self, frame: Frame, result: FrameResult, features: ImageFeatures | None = None) -> FrameResult:
        """Judge the masks of a frame; the same result with `quality` set.

        Args:
            frame: the picture.
            result: what was tracked on it.
            features: what the image encoder made of it; without them appearance and prompts are not looked at.
        """
        self._begin(frame.index)
        tracked = {i: item for i, item in result.objects.items() if item.state is not ObjectState.NOT_JUDGED}
        seen = _observe_all(frame, tracked, features)
        objects = dict(result.objects)
        for object_id, item in tracked.items():
            others = (overlap(seen[object_id].mask, o.mask) for i, o in seen.items() if i != object_id)
            quality = self._judge(frame.index, item, seen[object_id], max(others, default=0.0), features)
            objects[object_id] = replace(item, quality=quality)
        return replace(result, objects=objects)

    def agreement(self, object_id: int) -> tuple[str, float]:
        """What an object was shown by last, and how far masks of jittered prompts agreed (1 where nobody looked)."""
        history = self._histories[object_id]
        return history.kind, history.agreement

    def forget(self) -> None:
        """Begin anew, as before another propagation."""
        self._histories, self._before, self._frame = {}, None, None

    def state_dict(self) -> dict[str, Any]:
        """The whole past, in plain containers and tensors."""
        return {"frame": self._frame, "histories": {i: h.state_dict() for i, h in self._histories.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the monitor that `state_dict` was taken of."""
        self._frame, self._before = state["frame"], None
        self._histories = {i: ObjectHistory.from_state(known) for i, known in state["histories"].items()}

    def _begin(self, index: int) -> None:
        """Keep the past as it is before a frame, or go back to it if the frame comes again."""
        if index == self._frame and self._before is not None:
            self._histories = {i: copy(known) for i, known in self._before.items()}
        else:
            self._before = {i: copy(known) for i, known in self._histories.items()}
        self._frame = index

    def _judge(
        self, frame: int, tracked: ObjectResult, seen: Observation, shared: float, features: ImageFeatures | None
    ) -> MaskQuality:
        """Judge one mask, and make it part of the object's past."""
        history, empty = self._histories.setdefault(tracked.object_id, ObjectHistory()), not seen.area
        if tracked.prompt is not None:
            history.take_prompt(seen, prompt_kind(tracked.prompt), self._agreement(tracked, features, history))
        values = describe_absence(tracked, history) if empty else describe_mask(tracked, seen, history, shared)
        row = as_row(values, EMPTY if empty else SEEN)
        if self.on_features:
            self.on_features(frame, tracked.object_id, row, empty)
        history.add(seen, logit(tracked.iou), tracked.category)
        quality = self.model.judge(row, empty=empty)
        if tracked.prompt is None:
            alarms, history.streaks = raise_alarms(self.model.limits, values, history.streaks, empty=empty)
        else:
            alarms = doubt_prompt(self.model.limits, history.kind, history.agreement, quality.doubt)
            if alarms:
                where = f"object {tracked.object_id} on frame {frame}"
                warnings.warn(prompt_warning(history.kind, where), PromptWarning, stacklevel=3)
        if tracked.given is not None:  # a person's own mask is the truth
            return MaskQuality(1.0, 0.0, alarms)
        return replace(quality, alarms=alarms)

    def _agreement(self, tracked: ObjectResult, features: ImageFeatures | None, history: ObjectHistory) -> float:
        """How far masks of jittered prompts agree; of first prompts only, since later ones draw on memory."""
        if not self.check_prompts or features is None or tracked.prompt is None or history.kind:
            return 1.0
        return prompt_agreement(self.network, features, tracked.prompt)


def model_of(network: Network) -> QualityModel:
    """The quality model that a network's weights bring, or the default.

    Raises:
        CheckpointError: theirs is of another version of sam2s, or damaged.
    """
    stored = network.config.quality
    return QualityModel.from_json(stored, f"the weights {network.config.name}") if stored else default_model()


def _observe_all(
    frame: Frame, results: dict[int, ObjectResult], features: ImageFeatures | None
) -> dict[int, Observation]:
    embedding = None if features is None else features.embedding
    pictures: dict[tuple[int, ...], PictureSample] = {}
    seen = {}
    for object_id, tracked in results.items():
        logits = grid_logits(tracked)
        if logits.shape not in pictures:
            pictures[logits.shape] = sample_picture(frame.image, (logits.shape[0], logits.shape[1]))
        seen[object_id] = observe(tracked, logits, pictures[logits.shape], embedding)
    return seen
