"""A video in the tracking process: its workspace, its frames, the features of frames that somebody looks at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sam2s.errors import WorkspaceError
from sam2s.memory import memory_policy
from sam2s.model import ImageFeatures, Network
from sam2s.runs import open_workspace_video
from sam2s.tracking import Mask, Tracker
from sam2s.tracking.feature_prefetch import encode
from sam2s.video import Frame, VideoSource
from sam2s.workspace import Layer, ObjectRecord, Workspace, WorkspaceEvent

FEATURES_KEPT = 24
"""Frames of a video whose features stay at hand for clicks: a few megabytes each."""
REVERSE_CHUNK = 16
"""Frames decoded together when a video is read backward."""
SEARCHED, SEARCH_STEP = 4096, 64
"""How far the nearest mask of an object is looked for, and how many frames at a time."""
HINT_LOGIT = 10.0
"""Logit inside a stored mask when it goes back into the prompt encoder; outside it is the negative."""


class Anchor(NamedTuple):
    """A frame whose mask of an object is certain enough to track from.

    Attributes:
        frame: its index.
        event_id: of the event that wrote the mask, so that a change is noticed.
    """

    frame: int
    event_id: int


class TrackedVideo:
    """An open video with its workspace, for as long as somebody works on it.

    Attributes:
        network: the weights.
        workspace: open to write, with the server's right to do so.
        source: the frames.
    """

    def __init__(self, network: Network, folder: Path, video: Path, owner: str) -> None:
        self.network = network
        self.workspace = Workspace.open(folder, write=True, owner=owner)
        self.owner = owner
        self.source: VideoSource = open_workspace_video(self.workspace, str(video))
        self._features: OrderedDict[int, tuple[Frame, ImageFeatures]] = OrderedDict()

    def close(self) -> None:
        """Let go of both files."""
        self.workspace.close()
        self.source.close()

    @torch.inference_mode()
    def encoded(self, index: int) -> tuple[Frame, ImageFeatures]:
        """A frame and its features; those of the frames used last are at hand."""
        if index not in self._features:
            frame = self.source.frame(index)
            self._features[index] = frame, encode(self.network, [frame])
            while len(self._features) > FEATURES_KEPT:
                self._features.popitem(last=False)
        self._features.move_to_end(index)
        return self._features[index]

    def has_features(self, index: int) -> bool:
        """Whether a click on this frame would find its features at hand."""
        return index in self._features

    def event(self, event_id: int) -> WorkspaceEvent:
        """The act of this number.

        Raises:
            WorkspaceError: there is none.
        """
        for event in self.workspace.events(since=event_id - 1):
            if event.event_id == event_id:
                return event
            break
        raise WorkspaceError(f"there is no event {event_id} in {self.workspace.folder}")

    def anchors(self, object_id: int) -> list[Anchor]:
        """Frames on which a person gave or accepted a mask of an object, without those it is to forget."""
        dropped = self.forgotten(object_id)
        given = self.workspace.given_frames(object_id)
        return [Anchor(frame, event_id) for frame, event_id, _ in given if frame not in dropped]

    def nearest_anchors(self, object_id: int, frame: int, count: int) -> list[Anchor]:
        """The anchors nearest to a frame, nearest first, without the frame itself; not all are read for that."""
        dropped = self.forgotten(object_id)
        given = self.workspace.given_frames_near(object_id, frame, count + len(dropped))
        return [Anchor(near, event_id) for near, event_id, _ in given if near not in dropped][:count]

    def forgotten(self, object_id: int) -> set[int]:
        """Frames that a person told the tracker to forget for an object."""
        events = self.workspace.events(kinds=("forget",))
        return {e.frame for e in events if e.object_id == object_id and not e.undone and e.frame is not None}

    def shown(self, object_id: int, frame: int) -> ObjectRecord | None:
        """What is shown of an object on a frame."""
        for record in self.workspace.frames(frame, frame + 1, [object_id]):
            return record.objects.get(object_id)
        return None

    def nearest_mask(self, object_id: int, frame: int, *, reverse: bool) -> int | None:
        """The nearest frame before (`reverse`) or after a frame on which an object is seen, of a few thousand."""
        for distance in range(0, SEARCHED, SEARCH_STEP):
            low = frame - distance - SEARCH_STEP if reverse else frame + distance + 1
            records = self.workspace.frames(max(0, low), max(0, low + SEARCH_STEP), [object_id])
            seen = [r.index for r in records if object_id in r.objects and r.objects[object_id].mask.any()]
            if seen:
                return max(seen) if reverse else min(seen)
            if reverse and low <= 0:
                break
        return None

    @torch.inference_mode()
    def give_mask(self, tracker: Tracker, object_id: int, frame: int) -> bool:
        """Let an object of a tracker be conditioned on its mask of a frame; False where there is none, or it is empty.

        An empty mask says that the object is absent, which only one that is known already can be told.
        """
        entry = self.shown(object_id, frame)
        if entry is None:
            return False
        known = object_id in tracker.tracks and bool(tracker.tracks[object_id].answers)
        if not entry.mask.any() and not known:
            return False
        picture, features = self.encoded(frame)
        mask = tracker.convert_prompt(picture, object_id, Mask(entry.mask))
        context = tracker.context(picture, frame, features=features)
        tracker.answer_prompt(context, object_id=object_id, prompt=mask, tracked=False)
        tracker.commit()
        return True

    def new_tracker(self, *, search: bool = False) -> Tracker:
        """A tracker that knows nothing yet and may return to frames with prompts; `search`: looks for lost objects."""
        return Tracker(self.network, memory_policy("divemem+search" if search else "divemem"), revisit=True)

    def hint(self, entry: ObjectRecord | None) -> Tensor | None:
        """A stored mask as logits [1, 1, 4h, 4w] for the prompt encoder."""
        if entry is None or not entry.mask.any():
            return None
        side = self.network.image_size // 4
        mask = torch.from_numpy(np.ascontiguousarray(entry.mask))[None, None].float()
        small = torch.nn.functional.interpolate(mask, (side, side), mode="area")
        return ((small * 2 - 1) * HINT_LOGIT).to(self.network.device)

    def frames(self, start: int, stop: int, *, reverse: bool) -> Iterator[Frame]:
        """Frames from `start` to before `stop` in order, or from `start` down to after `stop`."""
        if not reverse:
            yield from self.source.frames(start, stop)
            return
        for high in range(start, stop, -REVERSE_CHUNK):
            low = max(stop + 1, high - REVERSE_CHUNK + 1)
            yield from reversed(list(self.source.frames(low, high + 1)))


def nearest(anchors: Iterable[Anchor], frame: int, count: int) -> list[Anchor]:
    """The anchors nearest to a frame, nearest first."""
    return sorted(anchors, key=lambda anchor: (abs(anchor.frame - frame), anchor.frame))[:count]


def is_given(entry: ObjectRecord | None) -> bool:
    """Whether a person gave or accepted a mask."""
    return entry is not None and entry.layer in (Layer.PROMPTED, Layer.BRUSHED, Layer.IMPORTED, Layer.ACCEPTED)
