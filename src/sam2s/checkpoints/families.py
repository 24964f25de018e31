"""Networks that look like SAM 2.1 at first sight and are not: what gives them away, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

State = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of networks whose checkpoints this package cannot run.

    Attributes:
        name: as its authors call it.
        reason: the part that differs from SAM 2.1.
        advice: what its user can do.
    """

    name: str
    reason: str
    advice: str


def _has(*prefixes: str) -> Callable[[State], bool]:
    return lambda state: any(name.startswith(prefixes) for name in state)


def _plain_vit(state: State) -> bool:
    """A trunk with one position code for a sequence [1, n, C], where Hiera has one for a map [1, C, h, w]."""
    code = state.get("image_encoder.trunk.pos_embed")
    return code is not None and code.ndim == 3


FAMILIES: tuple[tuple[Callable[[State], bool], Family], ...] = (
    (
        _has("detector.", "tracker."),
        Family(
            "SAM 3",
            "its detector and its tracker stand on another image encoder",
            "run it with its own package and compare the masks with `sam2s score`",
        ),
    ),
    (
        _has("spatial_perceiver.", "image_encoder.trunk.body."),
        Family(
            "EdgeTAM",
            "its trunk is a convolutional RepViT and a perceiver compresses its memories",
            "run it with its own package or with transformers, and compare the masks with `sam2s score`",
        ),
    ),
    (
        _plain_vit,
        Family(
            "EfficientTAM",
            "its trunk is a plain ViT without a feature pyramid",
            "run it with its own package and compare the masks with `sam2s score`",
        ),
    ),
    (
        _has("image_encoder.blocks.", "vision_encoder.layers."),
        Family(
            "SAM (the first version)",
            "it segments pictures and has neither memory nor tracking",
            "fetch SAM 2.1 weights: `sam2s weights fetch sam2.1-base-plus`",
        ),
    ),
)


def foreign_family(state: State) -> Family | None:
    """The family that tensors with foreign names belong to; None for SAM 2.1 and for what nobody knows.

    The marks are names and shapes from the published code and checkpoints of each family.
    """
    return next((family for matches, family in FAMILIES if matches(state)), None)


SUCCESSOR = Family(
    "SurgSLOT",
    "it is the successor of SAM2S by the same authors; how it names its tensors is not known here, and one of its "
    "forms stands on the image encoder of SAM 3, which no mapping helps",
    "look at `sam2s weights inspect FILE`; a mapping file loads it if its network is ours under other names, else run "
    "it with its own package and compare the masks with `sam2s score`",
)
"""A family whose published tensors nobody here has seen, so that its name alone gives it away."""


def family_by_name(source: str | Path) -> Family | None:
    """The family that a path or a hub repository is named after, for weights that do not fit; None for most."""
    return SUCCESSOR if SUCCESSOR.name.lower() in str(source).lower() else None
