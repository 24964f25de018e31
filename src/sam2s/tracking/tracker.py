"""The tracker: one frame in, one result out, in constant memory. Everything else is a loop over `step`."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch

from sam2s.errors import PromptError
from sam2s.memory import MemoryBank, MemoryPolicy, Recall
from sam2s.model import ImageFeatures, Network, Segmentation
from sam2s.video.frame import Frame

from .feature_prefetch import encode
from .object_segmenter import ObjectSegmenter, TrackedMask
from .object_track import ObjectTrack
from .presence import Presence, PresenceRule
from .prompts import Prompt
from .results import FrameResult, ObjectResult, ObjectState


class Tracker:
    """Tracks any number of objects through a stream of frames.

    An object id always means the same object and is never used again after the object was removed or ended. Objects
    share the image features of a frame and nothing else: whether one is tracked changes no bit of another's result
    (unless they are `batched`, when it may change the last).

        tracker = Tracker(model)
        tracker.add_prompt(1, Points([(200, 260)]))
        for frame in source.frames():
            mask = tracker.step(frame).objects[1].mask

    Prompts wait for the next `step`. To correct the frame just seen, add the prompt and step the same frame again.

    Args:
        model: the network.
        policy: what objects remember.
        rule: when an object counts as visible, occluded or absent.
        stability: SAM 2.1's fallback for unstable single masks.
        num_frames: length of the video where it is known to be under 16 frames and SAM 2.1's own rule for the
            distances of object pointers is wanted; None, as for a stream, takes 16.
        revisit: keep the answers to prompts, so that passes may return to their frames; a stream never does.
        batched: objects whose memories have one shape go through the network together. That is faster on a GPU, and
            by default done there; rounding then depends on how many objects there are.
    """

    def __init__(
        self,
        model: Network,
        policy: MemoryPolicy | None = None,
        *,
        rule: PresenceRule | None = None,
        stability: bool = True,
        num_frames: int | None = None,
        revisit: bool = False,
        batched: bool | None = None,
    ) -> None:
        self.model = model
        self.policy = (policy or MemoryPolicy()).resolve(model.config.confident_iou)
        self.rule = rule or PresenceRule()
        self.revisit = revisit
        self.batched = model.device.type == "cuda" if batched is None else batched
        self.num_frames = num_frames
        self.reverse = False
        limit = model.config.max_pointers
        dtype = torch.bfloat16 if self.policy.map_dtype == "bfloat16" else None
        self.net = ObjectSegmenter(model, min(limit, num_frames or limit), stability, dtype)
        self.tracks: dict[int, ObjectTrack] = {}
        self.time = -1
        self.gone: set[int] = set()
        self._waiting: list[tuple[int, Prompt, bool]] = []
        self._seen: tuple[int, ImageFeatures] | None = None
        self._index: int | None = None  # of the frame stepped last
        self._named = bool(model.config.categories) and model.config.semantic != "off" and bool(model.text_bank.any())

    def add_prompt(self, object_id: int, prompt: Prompt, *, keep: bool = True) -> None:
        """Point at an object on the frame of the next `step`; a new id adds an object.

        Args:
            object_id: any integer.
            prompt: clicks, a box or a mask, in pixels of the frame.
            keep: clicks add to earlier clicks on the same frame instead of replacing them.

        Raises:
            PromptError: the object was removed or ended.
        """
        self.check_id(object_id)
        self._waiting.append((object_id, prompt, keep))

    def check_id(self, object_id: int) -> None:
        """Refuse the id of an object that is gone."""
        track = self.tracks.get(object_id)
        if object_id in self.gone or (track is not None and track.end is not None and not self.revisit):
            raise PromptError(f"object {object_id} was removed or ended; ids are not used again, choose a new one")

    def remove_object(self, object_id: int) -> None:
        """Forget an object, its memory and prompts that wait, at once."""
        others = [waiting for waiting in self._waiting if waiting[0] != object_id]
        if len(others) == len(self._waiting):
            self._track(object_id)
        self._waiting = others
        self.tracks.pop(object_id, None)
        self.gone.add(object_id)

    def end_object(self, object_id: int) -> None:
        """Stop tracking an object from the next frame on; its id takes no more prompts than wait already."""
        self._track(object_id).end = self.time + 1

    @torch.inference_mode()
    def step(
        self, frame: Frame | np.ndarray, time: int | None = None, features: ImageFeatures | None = None
    ) -> FrameResult:
        """Track every object into a frame.

        Args:
            frame: the next frame, or the same one again (same index) after a correction. A bare array uint8 [H, W, 3]
                is always the next one.
            time: position of the frame among those that are processed; by default one more than before.
            features: of the frame, where they have been computed ahead.

        Raises:
            PromptError: a waiting prompt does not fit the frame. It is dropped, the frame is not tracked and all else
                stays as it was: step again, with a mended prompt or without.
        """
        if not isinstance(frame, Frame):
            time = self.time + 1 if time is None else time
            frame = Frame(frame, time)
        if time is None:
            time = self.time if frame.index == self._index else self.time + 1
        again = time == self.time
        if not again:
            self._move_on(time)
        self._check_waiting(frame, time)
        if features is not None:
            self._seen = time, features
        features = self.features(frame, time)
        prompted = self._answer_waiting(frame, features, time, tracked=again)
        self.time, self._index = time, frame.index
        found = self._follow_together(features, time, again, prompted) if self.batched else {}
        objects = {}
        for object_id, track in self.tracks.items():
            if object_id in prompted:
                answer = prompted[object_id]
                track.note(time, answer, self.rule)
            elif again and (shown := track.shown(time)):
                answer = shown
            elif track.exists(time, reverse=self.reverse):
                answer = track.advance(
                    self.net, features, time, self.rule, reverse=self.reverse, found=found.get(object_id)
                )
            else:
                continue
            objects[object_id] = self.result(track, frame, answer, prompted=track.prompted(time) is not None)
        return FrameResult(frame.index, frame.pts, objects)

    def _follow_together(
        self, features: ImageFeatures, time: int, again: bool, prompted: dict[int, Segmentation]
    ) -> dict[int, TrackedMask]:
        """Find objects without a prompt on the frame, those whose memories have one shape as one batch."""
        groups = defaultdict[tuple[object, ...], list[tuple[int, Recall]]](list)
        for object_id, track in self.tracks.items():
            done = object_id in prompted or (again and track.shown(time))
            if done or time in track.answers or not track.exists(time, reverse=self.reverse):
                continue
            recall = track.bank.recall(time, reverse=self.reverse, pointer_limit=self.net.pointer_limit)
            groups[recall.slots, recall.distances].append((object_id, recall))
        found: dict[int, TrackedMask] = {}
        for group in groups.values():
            object_ids, recalls = zip(*group, strict=True)
            found |= zip(object_ids, self.net.segment_from_memory(features, list(recalls), time), strict=True)
        return found

    def prompt(
        self,
        object_id: int,
        prompt: Prompt,
        frame: Frame,
        time: int,
        *,
        keep: bool = True,
        tracked: bool,
        reverse: bool = False,
        previous: torch.Tensor | None = None,
    ) -> Segmentation:
        """Answer one prompt on a frame at once; `tracked`, `reverse`, `previous` as in `ObjectTrack.prompt`."""
        known = object_id in self.tracks
        track = self.tracks[object_id] if known else self.new_track(object_id)
        size = frame.image.shape[:2]
        request = track.request(time, prompt, (size[0], size[1]), self.model.image_size, keep=keep)
        features = self.features(frame, time)
        answer = track.prompt(
            self.net, features, time, request, tracked=tracked and known, reverse=reverse, previous=previous
        )
        self.tracks[object_id] = track
        return answer

    def _check_waiting(self, frame: Frame, time: int) -> None:
        """Refuse prompts that do not fit the frame before anything is computed or remembered."""
        height, width = frame.image.shape[:2]
        for position, (object_id, prompt, keep) in enumerate(self._waiting):
            track = self.tracks.get(object_id) or self.new_track(object_id)
            try:
                track.request(time, prompt, (height, width), self.model.image_size, keep=keep)
            except PromptError:
                del self._waiting[position]
                raise

    def _answer_waiting(
        self, frame: Frame, features: ImageFeatures, time: int, *, tracked: bool
    ) -> dict[int, Segmentation]:
        answers = {}
        while self._waiting:
            object_id, prompt, keep = self._waiting.pop(0)
            track = self.tracks.get(object_id)
            shown = track.shown(time) if tracked and track else None
            answers[object_id] = self.prompt(
                object_id,
                prompt,
                frame,
                time,
                keep=keep,
                tracked=shown is not None,
                reverse=self.reverse,
                previous=shown.logits if shown else None,
            )
        return answers

    def _move_on(self, time: int) -> None:
        if not self.revisit:
            for object_id in [i for i, track in self.tracks.items() if track.end is not None and track.end <= time]:
                self.remove_object(object_id)
            for track in self.tracks.values():
                track.answers, track.corrections = {}, {}
        self.commit()

    def commit(self) -> None:
        """Remember all prompts that were answered; `step` does it when it moves on to another frame."""
        for track in self.tracks.values():
            track.commit()

    def features(self, frame: Frame, time: int) -> ImageFeatures:
        """Image features of a frame; those of the latest frame are at hand."""
        if self._seen is None or self._seen[0] != time:
            self._seen = time, encode(self.model, [frame])
        return self._seen[1]

    def use_features(self, time: int, features: ImageFeatures) -> None:
        """Take the image features of a frame from the caller, who computed them before."""
        self._seen = time, features

    def turn(self, *, reverse: bool) -> None:
        """Say in which direction the next frames follow; what was tracked so far is no longer behind them."""
        self.reverse, self.time = reverse, -1

    def remembered_frames(self, object_id: int) -> tuple[list[int], list[int]]:
        """Times of the conditioning frames and of the long-term frames that an object remembers, ascending."""
        bank = self._track(object_id).bank
        return sorted(bank.conditioning), sorted(entry.time for entry in bank.long_term)

    def forget_frame(self, object_id: int, time: int) -> None:
        """Let an object forget a frame that it remembers, whether it was given or chosen; recent frames stay."""
        track = self._track(object_id)
        if time in track.bank.conditioning:
            track.clear(time)
        track.bank.drop_long_term(time)

    def new_track(self, object_id: int) -> ObjectTrack:
        """Make an object that nothing is known of."""
        return ObjectTrack(object_id, MemoryBank(self.policy, pointer_limit=self.model.config.max_pointers))

    def result(
        self,
        track: ObjectTrack,
        frame: Frame,
        answer: Segmentation,
        *,
        prompted: bool,
        presence: Presence | None = None,
    ) -> ObjectResult:
        """Turn an answer of the network into what the caller sees; `presence` if it is not the track's own."""
        presence = presence or track.presence
        category, probability = None, None
        if self._named and answer.cls is not None and bool(answer.object_logit > 0):
            likely = self.model.semantic_logits(answer.cls)[0].float().softmax(0)
            category, probability = self.model.config.categories[int(likely.argmax())], float(likely.max())
        height, width = frame.image.shape[:2]
        return ObjectResult(
            object_id=track.object_id,
            low_res_logits=answer.logits[0, 0],
            size=(height, width),
            iou=float(answer.iou),
            presence=float(torch.sigmoid(answer.object_logit)),
            state=presence.state if presence else ObjectState.VISIBLE,
            prompted=prompted,
            category=category,
            category_probability=probability,
        )

    def _track(self, object_id: int) -> ObjectTrack:
        if object_id not in self.tracks:
            known = ", ".join(map(str, self.tracks)) or "none"
            raise PromptError(f"there is no object {object_id}; tracked objects: {known}")
        return self.tracks[object_id]
