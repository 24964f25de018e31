"""Answers to clicks and boxes: one frame, one object, at once."""

from __future__ import annotations

import torch

from sam2s.app.engine.tracked_video import Anchor, TrackedVideo
from sam2s.errors import PromptError
from sam2s.quality import QualityMonitor
from sam2s.session.events import decode_prompt
from sam2s.tracking import FrameResult, ObjectResult, Points, Prompt, Tracker
from sam2s.workspace import Layer, WorkspaceEvent, to_record

MEMORIES = 2
"""Frames given before that an answer draws on; each costs the encoder's time where it is not at hand."""


class ClickAnswerer:
    """Answers the prompts of one video; remembers the last frame and object, since clicks come in rows."""

    def __init__(self, video: TrackedVideo) -> None:
        self._video = video
        self._tracker: Tracker | None = None
        self._answered: tuple[int, int, list[int], list[Anchor]] | None = None  # object, frame, events, memories

    @torch.inference_mode()
    def answer(self, event: WorkspaceEvent) -> None:
        """Compute the mask of a prompt, all clicks of its frame and object together, and write it under the event.

        Raises:
            PromptError: the prompt cannot be used on this frame.
        """
        if event.frame is None or event.object_id is None:
            raise PromptError(f"event {event.event_id} does not say which object it points at, and where")
        video, object_id, frame = self._video, event.object_id, event.frame
        events = self._events(object_id, frame, event.event_id)
        ids = [one.event_id for one in events]
        memories = video.nearest_anchors(object_id, frame, MEMORIES)
        shown = video.shown(object_id, frame)
        picture, features = video.encoded(frame)
        follows = self._answered == (object_id, frame, ids[:-1], memories) and ids[:-1]
        if follows and self._tracker is not None:
            tracker, prompts = self._tracker, [_prompt(events[-1])]
        else:
            tracker, prompts = video.new_tracker(), _together(events)
            for memory in memories:
                video.give_mask(tracker, object_id, memory.frame)
        result: ObjectResult | None = None
        context = tracker.context(picture, frame, features=features)
        for prompt in prompts:
            tracked = object_id in tracker.tracks and bool(tracker.tracks[object_id].answers)
            converted = tracker.convert_prompt(picture, object_id, prompt)
            result = tracker.answer_prompt(
                context, object_id=object_id, prompt=converted, tracked=tracked, previous=video.hint(shown)
            )
        assert result is not None, "an event of kind prompt holds a prompt"
        # A click on an accepted frame mends what was accepted, so the new mask is what is accepted from then on.
        layer = Layer.ACCEPTED if shown is not None and shown.layer == Layer.ACCEPTED else Layer.PROMPTED
        monitor = QualityMonitor(video.network, check_prompts=not memories)
        judged = monitor.observe(picture, FrameResult(picture.index, picture.pts, {object_id: result}), features)
        record = to_record(judged)
        video.workspace.write_frame(record, event.event_id, layer=layer)
        self._tracker, self._answered = tracker, (object_id, frame, ids, memories)

    def _events(self, object_id: int, frame: int, last: int) -> list[WorkspaceEvent]:
        """Prompts of an object on a frame since its mask there was cleared, painted or deleted, up to an event."""
        kinds = ("prompt", "clear", "brush", "import", "delete_masks", "merge", "swap")
        events: list[WorkspaceEvent] = []
        for event in self._video.workspace.events(kinds=kinds):
            if event.undone or event.event_id > last:
                continue
            if event.kind == "prompt":
                if (event.object_id, event.frame) == (object_id, frame):
                    events.append(event)
            elif event.kind in ("clear", "brush"):
                if (event.object_id, event.frame) == (object_id, frame):
                    events = []
            else:
                events = []
        if not events or events[-1].event_id != last:
            raise PromptError("the click was taken back before it was answered")
        return events


def _together(events: list[WorkspaceEvent]) -> list[Prompt]:
    """The last box or mask, if there is one, and all clicks since as one prompt."""
    prompts = [_prompt(event) for event in events]
    whole = [place for place, prompt in enumerate(prompts) if not isinstance(prompt, Points)]
    rest = prompts[whole[-1] :] if whole else prompts
    clicks = [prompt for prompt in rest if isinstance(prompt, Points)]
    joined: list[Prompt] = [rest[0]] if whole else []
    if clicks:
        coords = [pair for prompt in clicks for pair in prompt.coords]
        joined.append(Points(coords, [label for prompt in clicks for label in prompt.labels]))
    return joined


def _prompt(event: WorkspaceEvent) -> Prompt:
    """The prompt of an event, as `session` and `sam2s track` write it."""
    return decode_prompt(event.payload["prompt"])
