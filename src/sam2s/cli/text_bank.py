"""`sam2s text-bank`: compute the CLIP features of category names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2s.cli import options
from sam2s.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from sam2s.checkpoints import Checkpoint
    from sam2s.model.text_bank import TextBank

SAME = 0.999
"""Cosine from which on two features of a name are the same, but for rounding: stored ones may be in half precision."""


def text_bank(
    out: Annotated[
        Path | None,
        typer.Option(help="File to write, .safetensors; with --into the new weights, by default the same file."),
    ] = None,
    into: Annotated[
        str | None, typer.Option(help="Weights with a CLS token that get these names: a name or a path.")
    ] = None,
    names: Annotated[
        str, typer.Option(help="Text file with one name per line, or `default`: the 21 instruments of SA-SV.")
    ] = "default",
    clip: Annotated[
        str, typer.Option(help="CLIP: a name on the Hugging Face hub, or a folder that save_pretrained wrote.")
    ] = "openai/clip-vit-base-patch32",
    template: Annotated[
        list[str] | None, typer.Option(help="Sentence with {} for the name; several are averaged.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Compute the text bank that the CLS token is compared with: CLIP features of category names."""
    from sam2s.training.clip_text import TEMPLATES, encode_names

    if into is None and out is None:
        raise ConfigError("--out is missing; give --out bank.safetensors, or --into weights.safetensors")
    wanted, templates = _names(names), tuple(template or TEMPLATES)
    if into is None:
        target = Path(str(out))
        bank = encode_names(wanted, clip, templates)
        bank.write(target)
    else:
        target = out or Path(into)
        checkpoint = _with_cls(into, target)
        _check_clip(checkpoint, into, clip)
        bank = encode_names(wanted, clip, templates)
        _rename(checkpoint, bank, target)
    if as_json:
        shape = list(bank.features.shape)
        record = {"path": str(target), "shape": shape, "clip": clip, "templates": bank.templates, "names": bank.names}
        print(json.dumps(record, indent=2))
        return
    print(f"{target}: {len(bank.names)} names, {bank.features.shape[1]} numbers each, by {clip}")
    print(f"names      {', '.join(bank.names)}")
    print(f"templates  {', '.join(bank.templates)}")


def _names(given: str) -> list[str]:
    if given == "default":
        from sam2s.sasv.ontology import load_ontology

        return load_ontology().instruments()
    try:
        lines = Path(given).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--names {given}: cannot read it as text ({error}); give one name a line") from error
    return [line.strip() for line in lines if line.strip()]


def _with_cls(source: str, target: Path) -> Checkpoint:
    """Weights whose CLS token was taught to meet the features of a CLIP."""
    from sam2s.checkpoints import load_checkpoint

    if target.suffix != ".safetensors":
        raise ConfigError(f"--into {source} is not a file of ours to write to; add --out weights.safetensors")
    checkpoint = load_checkpoint(source)
    taught = checkpoint.config.text_encoder
    if checkpoint.config.semantic == "off":
        raise CheckpointError(f"{source} has no CLS token to name objects with; write the bank with --out and train it")
    if not taught:
        raise CheckpointError(
            f"{source} learned its own features of {len(checkpoint.config.categories)} names, not CLIP's"
        )
    return checkpoint


def _check_clip(checkpoint: Checkpoint, source: str, clip: str) -> None:
    """Make a name's features again: whether a CLIP is the one that taught the weights, its name does not tell."""
    from torch.nn.functional import cosine_similarity

    from sam2s.training.clip_text import encode_names

    config = checkpoint.config
    found = encode_names(config.categories[:1], clip, config.templates).features[0]
    if len(found) != config.text_dim:
        raise CheckpointError(f"the bank is {len(found)} wide, the network compares {config.text_dim} numbers")
    if cosine_similarity(found, checkpoint.state["text_bank"][0].float(), dim=0) < SAME:
        raise CheckpointError(
            f"{source} was taught by {config.text_encoder}, and {clip} makes another feature of "
            f"{config.categories[0]!r}; give --clip the one it was taught by"
        )


def _rename(checkpoint: Checkpoint, bank: TextBank, target: Path) -> None:
    from sam2s.checkpoints import save_checkpoint

    config, state, metadata = checkpoint
    fp32 = any(tensor.dtype.itemsize == 4 for name, tensor in state.items() if name.startswith("image_encoder"))
    state = {**state, "text_bank": bank.features}
    save_checkpoint(target, state, bank.fit(config), metadata, dtype="fp32" if fp32 else "fp16")
