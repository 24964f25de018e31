"""The objects of a tracker, and their prompts on one frame."""

from __future__ import annotations

from typing import Any

import torch

from sam2s.errors import ConfigError, PromptError
from sam2s.memory import MemoryBank
from sam2s.model import ImageFeatures, Network, Segmentation
from sam2s.video.frame import Frame

from .feature_prefetch import encode
from .frame_context import FrameContext
from .numbers import whole_number
from .object_track import ObjectTrack
from .preprocess import ModelPrompt, convert_prompt
from .presence import PresenceState, observe
from .prompts import Prompt
from .results import ObjectResult, make_result, name_answers
from .settings import TrackerSettings
from .thin_masks import warn_if_too_thin


class ObjectGroup:
    """Objects that share the network and the image features of a frame, and nothing else.

    Attributes:
        model: the network.
        settings: of the tracker.
        segmenter: the network with these settings.
        tracks: the objects by id, in the order they were added.
    """

    def __init__(self, model: Network, settings: TrackerSettings) -> None:
        self.model, self.settings, self.segmenter = model, settings, settings.segmenter(model)
        self._batching = settings.batching(self.segmenter)
        self.tracks: dict[int, ObjectTrack] = {}
        self._features: tuple[int, ImageFeatures] | None = None  # of the frame of a time

    def state_dict(self) -> dict[str, Any]:
        """Return the network's name, the settings and the state of all objects."""
        tracks = {object_id: track.state_dict() for object_id, track in self.tracks.items()}
        return {"network": _describe(self.model), "settings": self.settings, "tracks": tracks}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from `state_dict`.

        Raises:
            ConfigError: it belongs to another network.
        """
        if state["network"] != _describe(self.model):
            raise ConfigError(
                f"the state was made by {state['network']}, not {_describe(self.model)}; load the same weights with "
                "the same image size and precision"
            )
        self.settings, self.segmenter = state["settings"], state["settings"].segmenter(self.model)
        self._batching = self.settings.batching(self.segmenter)
        self.tracks, self._features = {}, None
        for object_id, track in state["tracks"].items():
            self.tracks[object_id] = self._track(object_id)
            self.tracks[object_id].load_state_dict(track)

    def known(self, object_id: int) -> ObjectTrack:
        """Return the object with an id.

        Raises:
            PromptError: there is none.
        """
        object_id = whole_number(object_id, "object_id")
        if object_id not in self.tracks:
            known = ", ".join(map(str, self.tracks)) or "none"
            raise PromptError(f"there is no object {object_id}; tracked objects: {known}")
        return self.tracks[object_id]

    def context(
        self, frame: Frame, time: int, *, reverse: bool = False, features: ImageFeatures | None = None
    ) -> FrameContext:
        """Build the context of a frame; the features of the latest frame are cached."""
        if features is not None:
            self._features = time, features
        if self._features is None or self._features[0] != time:
            self._features = time, encode(self.model, [frame])
        return FrameContext(frame, time, self._features[1], reverse)

    @property
    def latest_features(self) -> ImageFeatures | None:
        """Image features of the latest frame, None before any."""
        return None if self._features is None else self._features[1]

    def convert_prompt(self, frame: Frame, object_id: int, prompt: Prompt) -> ModelPrompt:
        """Check a prompt for an object against a frame and scale it to the network's image.

        Raises:
            PromptError: it does not fit the frame, or is an empty mask for a new object.
        """
        height, width = frame.image.shape[:2]
        converted = convert_prompt(prompt, (height, width), self.model.image_size)
        self._track(object_id).check_start(converted)
        return converted

    def answer_prompt(
        self,
        context: FrameContext,
        *,
        object_id: int,
        prompt: ModelPrompt,
        keep: bool = True,
        tracked: bool,
        passed: bool = False,
        previous: torch.Tensor | None = None,
    ) -> ObjectResult:
        """Answer one prompt on a frame, without a `step`.

        Args:
            context: the frame.
            object_id: a new id adds an object.
            prompt: see `convert_prompt`.
            keep: as in `add_prompt`.
            tracked: the frame was tracked before, and the tracker is placed before it or has just stepped over it.
            passed: the tracker has just stepped over the frame, so that its presence state is updated too.
            previous: logits [1, 1, 4h, 4w] of the frame's earlier mask.
        """
        answer = self._answer(context, object_id, prompt, keep=keep, tracked=tracked, previous=previous)
        track, rule = self.tracks[object_id], self.settings.rule
        presence: PresenceState | None
        if passed:
            track.update_presence(context.time, answer, rule)
            presence = track.presence
        else:
            before = track.presence if tracked else None
            presence = observe(rule, before, rule.probability(answer.object_logit), answer.shown)
        category = name_answers(self.model, {object_id: answer}).get(object_id)
        return make_result(self.model, context, track, answer, rule, presence, category)

    def _answer(
        self,
        context: FrameContext,
        object_id: int,
        prompt: ModelPrompt,
        *,
        keep: bool,
        tracked: bool,
        previous: torch.Tensor | None,
    ) -> Segmentation:
        warn_if_too_thin(prompt, self.model.image_size, object_id)
        tracked, track = tracked and object_id in self.tracks, self._track(object_id)
        answer = track.answer_prompt(self.segmenter, context, prompt, keep=keep, tracked=tracked, previous=previous)
        self.tracks[object_id] = track
        return answer

    def remembered_frames(self, object_id: int) -> tuple[list[int], list[int]]:
        """Times of the conditioning and of the long-term frames in an object's memory bank, ascending."""
        bank = self.known(object_id).bank
        return sorted(bank.conditioning), sorted(entry.time for entry in bank.long_term)

    def forget_frame(self, object_id: int, time: int) -> None:
        """Remove a conditioning or long-term frame from an object's memory bank; recent frames are kept."""
        self.known(object_id).forget_frame(time)

    def commit(self) -> None:
        """Turn all answered prompts into conditioning frames; `step` does so when it moves to another frame."""
        for track in self.tracks.values():
            track.commit()

    def rewind(self) -> None:
        """Reset everything except the prompts, so that tracking can start at any frame."""
        for track in self.tracks.values():
            track.rewind()

    def _track(self, object_id: int) -> ObjectTrack:
        """The object with an id, or a new one."""
        if object_id in self.tracks:
            return self.tracks[object_id]
        return ObjectTrack(object_id, MemoryBank(self.settings.policy, pointer_limit=self.model.config.max_pointers))


def _describe(model: Network) -> str:
    return f"{model.config.name} at {model.image_size} px in {str(model.dtype).removeprefix('torch.')}"
