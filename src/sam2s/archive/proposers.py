"""Prompts for a video without any, from a plug-in that proposes boxes (`sam2s.tracking.proposers`).

Every `PROPOSAL_STRIDE`th frame is shown to it until it proposes something; its boxes become the prompts of that frame.
"""

from __future__ import annotations

from sam2s.errors import PromptError
from sam2s.tracking.prompts import Box
from sam2s.tracking.proposers import Proposal as Proposal
from sam2s.tracking.proposers import Proposer, proposal_box
from sam2s.tracking.proposers import load_proposer as load_proposer
from sam2s.video.frame import VideoSource

PROPOSAL_STRIDE = 25
"""Frames between two that a proposer is shown."""
MOST_OBJECTS = 8
"""Proposals that become objects, those with the highest scores."""


def propose_prompts(
    proposer: Proposer, source: VideoSource, *, start: int = 0
) -> tuple[int, list[tuple[Box, str | None]]]:
    """Show frames to a proposer until it proposes something.

    Args:
        proposer: looks at frames.
        source: the video.
        start: first frame that is shown.

    Returns:
        index of the frame, and a box with a name for each object.

    Raises:
        PromptError: nothing was proposed on any frame, or a proposal cannot be used.
    """
    for frame in source.frames(start, None, PROPOSAL_STRIDE):
        proposals = sorted(proposer(frame.image), key=lambda proposal: -proposal.score)
        if proposals:
            return frame.index, [
                (proposal_box(p, frame.index, frame.image.shape), p.name) for p in proposals[:MOST_OBJECTS]
            ]
    raise PromptError(
        f"the proposer found no object on any frame of {source.name} that it was shown (every {PROPOSAL_STRIDE}th)"
    )
