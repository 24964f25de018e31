"""What the mask of an object on a frame is based on: the memory that was read, and the decisions of the filter."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from copy import copy
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.errors import PromptError
from sam2s.memory import Recall
from sam2s.memory.entry import CONDITIONING_SLOT, LONG_TERM_SLOT
from sam2s.model import Segmentation, condition_features, segment_frame
from sam2s.model.attention_maps import record_attention
from sam2s.tracking import ObjectResult, ObjectState
from sam2s.tracking.frame_context import FrameContext
from sam2s.tracking.lost_and_found import SearchState

from .filter_watch import FilterDecision, FilterWatch
from .frame_order import locate_frame
from .replay import Judge
from .session import VideoSession

Kind = Literal["conditioning", "short-term", "long-term"]


@dataclass(frozen=True, slots=True, eq=False)
class MemoryRead:
    """The attention of a frame to one memory frame.

    Attributes:
        frame: its index.
        kind: conditioning, short-term or long-term.
        share: of the attention from the pixels of the mask, or from all pixels if the mask is empty; 0 to 1.
        share_of_frame: of the attention from all pixels of the frame; 0 to 1.
        heat: float32 [h, w], distribution of `share` over the memory frame; adds up to it.
    """

    frame: int
    kind: Kind
    share: float
    share_of_frame: float
    heat: np.ndarray


@dataclass(frozen=True, slots=True)
class PointerRead:
    """The attention of a frame to one object pointer: the index of its frame, and shares as in `MemoryRead`."""

    frame: int
    share: float
    share_of_frame: float


@dataclass(frozen=True, slots=True, eq=False)
class CandidateMask:
    """One of the three candidate masks of the mask decoder.

    Attributes:
        mask: bool [H, W] at the size of the frame.
        iou: predicted IoU.
        chosen: whether it has the highest predicted IoU, and became the answer.
    """

    mask: np.ndarray
    iou: float
    chosen: bool


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why an object has the mask that it has on a frame.

    Attributes:
        frame: index of the frame.
        object_id: of the object.
        result: the result of tracking.
        reads: memory frames that were read, in reading order; none on frames with a prompt or that were not judged,
            where memory is not read.
        pointers: object pointers that were read.
        candidates: the candidate masks; none where memory is not read.
        decisions: decisions of the DiveMem filter for all frames up to this one, in the order of tracking.
        search: whether the object was lost, after the frame; see `sam2s.tracking.lost_and_found`.
    """

    frame: int
    object_id: int
    result: ObjectResult
    reads: tuple[MemoryRead, ...]
    pointers: tuple[PointerRead, ...]
    candidates: tuple[CandidateMask, ...]
    decisions: tuple[FilterDecision, ...]
    search: SearchState

    def to_json(self) -> dict[str, Any]:
        """Return all numbers as plain JSON; masks by their area in pixels, heat maps as rows."""
        reads = [
            {"frame": r.frame, "kind": r.kind, "share": r.share, "share_of_frame": r.share_of_frame}
            | {"heat": r.heat.round(6).tolist()}
            for r in self.reads
        ]
        return {
            "frame": self.frame,
            "object": self.object_id,
            "state": str(self.result.state),
            "iou": self.result.iou,
            "presence": self.result.presence,
            "prompted": self.result.prompted,
            "phase": str(self.search.phase),
            "usual_evidence": self.search.usual,
            "memory": reads,
            "pointers": [asdict(pointer) for pointer in self.pointers],
            "candidates": [{"iou": c.iou, "area": int(c.mask.sum()), "chosen": c.chosen} for c in self.candidates],
            "filter": [asdict(decision) for decision in self.decisions],
        }


@torch.inference_mode()
def explain(
    session: VideoSession,
    *,
    frame: int,
    object_id: int,
    start: int | None = None,
    reverse: bool = False,
    judged: Judge | None = None,
    report_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Explanation:
    """Propagate up to a frame and collect what the mask of an object there is based on.

    Args:
        session: with its prompts.
        frame: index of the frame.
        object_id: of the object.
        start, reverse, judged: as the frame was tracked, see `VideoSession.propagate`.
        report_progress: called with the number of frames done and in all.

    Raises:
        PromptError: there is no such frame or object, or the object has no prompt or is not tracked there.
    """
    walk = _Walk(session, object_id, start, reverse, judged, report_progress)
    frame, time = locate_frame(session.source, frame, session.stride)
    walk.to(frame)
    result = walk.over(frame)
    tracker, track = session.tracker, walk.track
    bank = copy(track.bank)
    bank.undo(time)  # the memory as it was before this frame
    recall = bank.recall(time, reverse=reverse, pointer_limit=tracker.segmenter.pointer_limit)
    reads: tuple[MemoryRead, ...] = ()
    pointers: tuple[PointerRead, ...] = ()
    candidates: tuple[CandidateMask, ...] = ()
    if recall.maps and not result.prompted and result.state is not ObjectState.NOT_JUDGED:
        context = tracker.context(session.source.frame(frame), time, reverse=reverse)
        answer = _answer(session, context, recall)
        candidates = _candidates(answer, context.size)
        reads, pointers = _attention(session, context, recall, answer)
    decisions = tuple(walk.watch.decisions.values())
    return Explanation(frame, track.object_id, result, reads, pointers, candidates, decisions, track.search)


class _Walk:
    """A propagation up to one frame, in which a `FilterWatch` follows the memory of an object."""

    def __init__(
        self,
        session: VideoSession,
        object_id: int,
        start: int | None,
        reverse: bool,
        judged: Judge | None,
        report_progress: Callable[[int, int], None],
    ) -> None:
        self.session, self.reverse, self.judged, self.report_progress = session, reverse, judged, report_progress
        self.track = session.tracker.known(object_id)
        self.watch = FilterWatch(self.track.bank, session.stride)
        prompted = [*self.track.answers, *self.track.pending]
        if not prompted:
            raise PromptError(f"object {object_id} has no prompt left; give it one with add_prompt first")
        self.first = (max(prompted) if reverse else min(prompted)) * session.stride
        self.begin = self.first if start is None else start
        self.total = 0

    def to(self, frame: int) -> None:
        """Propagate up to the frame before `frame`."""
        behind = self.first - frame if self.reverse else frame - self.first
        if behind < 0 or self.track.ended(frame):
            raise PromptError(
                f"object {self.track.object_id} is not tracked on frame {frame}; it is from frame {self.first} on"
                + (f" to {self.track.end}" if self.track.end is not None else "")
            )
        self.total = abs(frame - self.begin) // self.session.stride + 1
        if frame != self.begin:
            self._propagate(self.begin, frame + self.session.stride if self.reverse else frame)

    def over(self, frame: int) -> ObjectResult:
        """Propagate over one frame; returns the object's result."""
        result = self._propagate(frame, frame if self.reverse else frame + 1)
        if result is None:
            raise PromptError(f"object {self.track.object_id} is not tracked on frame {frame}; give another frame")
        return result

    def _propagate(self, first: int, stop: int) -> ObjectResult | None:
        session, last = self.session, None
        with closing(session.propagate(first, stop, reverse=self.reverse, judged=self.judged)) as results:
            for result in results:
                last = result.objects.get(self.track.object_id)
                features = session.tracker.latest_features
                if last is not None:
                    self.watch.passed(result.index, last, None if features is None else features.embedding)
                self.report_progress(abs(result.index - self.begin) // session.stride + 1, self.total)
        return last


def _answer(session: VideoSession, context: FrameContext, recall: Recall) -> Segmentation:
    """Segment the object from memory, with the three candidate masks."""
    model, memory = session.model, session.tracker.segmenter.assemble_memory([recall])
    conditioned = condition_features(model, context.features, memory, 1)
    return segment_frame(model, context.features, conditioned, objects=1)


def _candidates(answer: Segmentation, size: tuple[int, int]) -> tuple[CandidateMask, ...]:
    decoded = answer.decoded
    assert decoded is not None, "only a mask prompt is answered without the decoder"
    ious = decoded.ious[0, 1:].float()
    masks = F.interpolate(decoded.logits[:, 1:].float(), size, mode="bilinear", align_corners=False)[0] > 0
    best = int(ious.argmax())
    return tuple(
        CandidateMask(mask.cpu().numpy(), float(iou), number == best)
        for number, (mask, iou) in enumerate(zip(masks, ious, strict=True))
    )


def _attention(
    session: VideoSession, context: FrameContext, recall: Recall, answer: Segmentation
) -> tuple[tuple[MemoryRead, ...], tuple[PointerRead, ...]]:
    """Shares of the attention to memory, averaged over the layers."""
    model, (height, width) = session.model, context.features.embedding.shape[-2:]
    area = height * width
    memory = session.tracker.segmenter.assemble_memory([recall])
    with record_attention(model, _query_groups(answer.logits, height, width)) as recorded:
        condition_features(model, context.features, memory, 1)
    everywhere, inside = torch.stack(recorded).mean(0)[0].cpu()  # [keys] each
    kinds: dict[int, Kind] = {CONDITIONING_SLOT: "conditioning", LONG_TERM_SLOT: "long-term"}
    reads = []
    for number, (slot, time) in enumerate(zip(recall.slots, recall.times, strict=True)):
        keys = slice(number * area, (number + 1) * area)
        heat = inside[keys].reshape(height, width)
        shares = float(inside[keys].sum()), float(everywhere[keys].sum())
        reads.append(MemoryRead(time * session.stride, kinds.get(slot, "short-term"), *shares, heat.numpy()))
    tokens = (len(everywhere) - len(reads) * area) // max(1, len(recall.pointers))  # each pointer is several tokens
    pointers = []
    for number, time in enumerate(recall.pointer_times):
        first = len(reads) * area + number * tokens
        keys = slice(first, first + tokens)
        pointers.append(PointerRead(time * session.stride, float(inside[keys].sum()), float(everywhere[keys].sum())))
    return tuple(reads), tuple(pointers)


def _query_groups(logits: Tensor, height: int, width: int) -> Tensor:
    """Weights [2, h*w] of image tokens, each row adding up to 1: uniform, and proportional to the mask."""
    share = F.interpolate((logits > 0).float(), (height, width), mode="area")[0, 0].flatten()
    alike = torch.full_like(share, 1 / share.numel())
    return torch.stack((alike, share / share.sum() if share.any() else alike))
