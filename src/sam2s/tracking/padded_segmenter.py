"""All objects of a frame through the network together, whatever each remembers, in shapes of a few fixed sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor

from sam2s.errors import ConfigError
from sam2s.memory import Recall
from sam2s.model import SAM2S, ImageFeatures, Segmentation, segment_frame

from .frame_context import FrameContext
from .object_segmenter import ObjectSegmenter, TrackedMask
from .padded_memory import batches, pad_recalls
from .step_graphs import StepGraphs


class PaddedSegmenter:
    """Finds objects from memory alone, those of one frame as one batch.

    Args:
        segmenter: the network with its settings.
        graphs: record the step as a CUDA graph for each set of sizes, and replay it.

    Raises:
        ConfigError: the network is an exported one, whose sizes are its own.
    """

    def __init__(self, segmenter: ObjectSegmenter, *, graphs: bool = False) -> None:
        if not hasattr(segmenter.model, "attend_slots"):
            raise ConfigError(
                f"{segmenter.model.config.name} is an exported network, which cannot read padded memory; choose "
                "--batched alone instead of padded or graphs"
            )
        self.segmenter, self._model = segmenter, cast(SAM2S, segmenter.model)
        self.step_graphs = StepGraphs(self._step) if graphs else None

    def segment_from_memory(self, context: FrameContext, recalls: Sequence[Recall]) -> list[TrackedMask]:
        """Find objects on a frame; each batch waits once for the device, at its end."""
        return [mask for batch in batches(recalls) for mask in self._segment(context, batch)]

    def _segment(self, context: FrameContext, recalls: Sequence[Recall]) -> list[TrackedMask]:
        config = self._model.config
        memory = pad_recalls(
            recalls,
            last_slot=len(self._model.maskmem_tpos_enc),
            pointer_limit=self.segmenter.pointer_limit,
            pointer_dim=config.hidden_dim,
        )
        step = self.step_graphs or self._step
        features = context.features
        logits, iou, pointer, object_logit, ious, stability, extent, maps, *cls = (
            x[: len(recalls)] for x in step(features.embedding, *features.high_res, *memory)
        )
        answers = Segmentation(logits, iou, pointer, object_logit, cls[0] if cls else None, ious, stability, extent)
        answers, entries = self.segmenter.to_host(context, answers, maps)
        return [TrackedMask(*both) for both in zip(answers.split(), entries, strict=True)]

    def _step(
        self,
        embedding: Tensor,
        quarter: Tensor,
        eighth: Tensor,
        maps: Tensor,
        slots: Tensor,
        pointers: Tensor,
        distances: Tensor,
        read_maps: Tensor,
        read_pointers: Tensor,
    ) -> tuple[Tensor, ...]:
        """One tracked frame as a function of tensors: what `segment_from_memory` does up to the transfer."""
        model, features = self._model, ImageFeatures(embedding, (quarter, eighth))
        conditioned = model.attend_slots(embedding, maps, slots, pointers, distances, read=(read_maps, read_pointers))
        answers = segment_frame(model, features, conditioned, objects=len(maps)).without_candidates()
        remembered = self.segmenter.encode_maps(embedding, answers, prompted=False)
        fields = (answers.logits, answers.iou, answers.pointer, answers.object_logit)
        sure = (answers.candidate_ious, answers.stability, answers.extent)
        return tuple(x for x in (*fields, *sure, remembered, answers.cls) if x is not None)
