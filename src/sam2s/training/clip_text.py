"""Features of names, by the text side of a CLIP from transformers (the extra `text`)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.errors import CheckpointError, ConfigError, missing_extra
from sam2s.model.text_bank import TextBank

CLIP = "openai/clip-vit-base-patch32"
TEMPLATES = ("a photo of a {}.",)


@torch.inference_mode()
def encode_names(names: Sequence[str], clip: str = CLIP, templates: Sequence[str] = TEMPLATES) -> TextBank:
    """Make a text bank: the features of a name are the mean over the templates, each of length 1, and so is the mean.

    Args:
        names: what the objects may be called.
        clip: name on the Hugging Face hub, fetched on first use, or a folder that `save_pretrained` wrote.
        templates: sentences with {} in the name's place.

    Raises:
        CheckpointError: the CLIP cannot be found or read.
        ConfigError: a name stands twice or is too long, or a template has not exactly one {}.
        MissingExtraError: transformers is not installed.
    """
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"names that stand twice: {', '.join(twice)}; keep one of each")
    if not names or not templates:
        raise ConfigError("a text bank needs at least one name and one template")
    for template in templates:
        if template.count("{}") != 1:
            raise ConfigError(f"template {template!r} must hold {{}} once, in the name's place: 'a photo of a {{}}.'")
    tokenizer, model = _load(clip)
    features = []
    for template in templates:
        features.append(_encode(tokenizer, model, [template.replace("{}", name) for name in names]))
    mean = F.normalize(torch.stack(features).mean(0), dim=-1)
    return TextBank(tuple(names), mean, clip, tuple(templates))


def _encode(tokenizer: Any, model: Any, sentences: list[str]) -> Tensor:
    tokens = tokenizer(sentences, padding=True, return_tensors="pt")
    limit = model.config.max_position_embeddings
    if tokens["input_ids"].shape[1] > limit:
        longest = max(sentences, key=len)
        raise ConfigError(f"{longest!r} is longer than the {limit} tokens that this CLIP reads; shorten the name")
    found = model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).text_embeds
    return F.normalize(found.float(), dim=-1)


def _load(clip: str) -> tuple[Any, Any]:
    """Tokenizer and network, from this machine if they are on it."""
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from transformers import AutoTokenizer, CLIPTextModelWithProjection
        from transformers.utils import logging
    except ImportError as error:
        raise missing_extra("a text bank needs transformers", "text") from error
    logging.set_verbosity_error()  # the picture side of the CLIP is left out on purpose
    logging.disable_progress_bar()

    def load(*, here: bool) -> tuple[Any, Any]:
        tokenizer = AutoTokenizer.from_pretrained(clip, local_files_only=here)
        return tokenizer, CLIPTextModelWithProjection.from_pretrained(clip, local_files_only=here).eval()

    try:
        with suppress(OSError, ValueError):
            return load(here=True)
        if not Path(clip).is_dir():  # without a network this fails at once; transformers would try again for minutes
            get_hf_file_metadata(hf_hub_url(clip, "config.json"))
        return load(here=False)
    except Exception as error:  # besides its own errors the hub's client lets those of its HTTP library through
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise CheckpointError(
            f"cannot load CLIP {clip!r}: {reason}; --clip takes a name on the Hugging Face hub, which is fetched "
            "once, or a folder that save_pretrained wrote"
        ) from error
