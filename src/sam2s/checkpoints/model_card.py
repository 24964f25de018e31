"""The page that goes with published weights: what they are, what they learned from, and what they may be used for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sam2s.model.config import ModelConfig

from .native import Metadata

LIMITS = (
    "Not a medical device: for research, annotation and teaching. No output may guide treatment.",
    "Masks are least reliable on kinds of video that the weights were not trained on; measure on videos of your own "
    "with `sam2s eval` before you rely on them.",
    "Single clicks on tissue are ambiguous; a box or a mask is a better prompt.",
)

SPDX = re.compile(r"[A-Za-z0-9.+-]+")


def model_card(
    repo: str,
    config: ModelConfig,
    metadata: Metadata,
    parameters: int,
    figures: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Write the card of weights as Markdown with the front matter that the Hugging Face hub reads.

    Args:
        repo: OWNER/NAME the weights go to.
        config: sizes of the network.
        metadata: licence, source, training record and note of the weights.
        parameters: number of weights.
        figures: rows of a table of scores; each has the column `command` with the command that prints the row.
    """
    sections = [
        _front_matter(metadata),
        f"# {repo.split('/')[-1]}\n",
        metadata.note and f"{metadata.note}\n",
        f"SAM2S weights for tracking instruments and organs in surgical video: network `{config.name}` at "
        f"{config.image_size} pixels, {parameters / 1e6:.1f} M parameters, memory of {config.num_maskmem} slots, "
        f"semantics {config.semantic}.\n",
        "## Use\n",
        f'```python\nimport sam2s\n\nnetwork = sam2s.load("hf:{repo}")\n```\n',
        f"```bash\nsam2s track case.mp4 --weights hf:{repo} --box 1=grasper@0:195,48,550,293 --out runs/one\n```\n",
        "## Figures\n",
        _table(figures) if figures else "No figures were given with these weights.\n",
        "## Training\n",
        f"Source: {metadata.source or 'not stated'}.\n",
        _record(metadata.training),
        config.categories and "## Names it tells apart\n\n" + ", ".join(config.categories) + "\n",
        "## Limits\n",
        "\n".join(f"- {line}" for line in LIMITS) + "\n",
        "## Licence\n",
        f"{metadata.licence or 'Not stated. Ask whoever published these weights before you use them.'}\n",
    ]
    return "\n".join(section for section in sections if section)


def _front_matter(metadata: Metadata) -> str:
    """A licence that is an SPDX name is given as such; free text becomes "other", as the hub asks."""
    licence = metadata.licence.lower() if SPDX.fullmatch(metadata.licence) else "other"
    lines = ["---", f"license: {licence}", "pipeline_tag: mask-generation", "library_name: sam2s"]
    lines += ["tags:", "- surgical-video", "- video-object-segmentation", "- sam2", "---", ""]
    return "\n".join(lines)


def _table(figures: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in figures for name in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in figures:
        cells = (f"`{row[name]}`" if name == "command" else str(row.get(name, "")) for name in columns)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _record(training: Mapping[str, Any]) -> str:
    if not training:
        return "No training record is stored with these weights.\n"
    return f"```json\n{json.dumps(training, indent=1, default=str)}\n```\n"
