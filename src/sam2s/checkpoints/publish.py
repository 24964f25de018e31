"""Publishing weights in a repository of the Hugging Face hub, with their model card."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sam2s.errors import CheckpointError

from .hub import MODEL_FILE
from .load import load_checkpoint
from .model_card import model_card
from .native import save_checkpoint


def write_publication(
    source: str | Path,
    folder: Path,
    repo: str,
    *,
    precision: Literal["fp16", "fp32"] = "fp16",
    figures: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write `MODEL_FILE` and README.md, which is the card, of weights into a folder.

    Args:
        source: name or path of the weights.
        folder: made when missing.
        repo: OWNER/NAME that the card names.
        precision: of the stored numbers.
        figures: rows of the table of scores; see `model_card`.

    Raises:
        CheckpointError: the weights cannot be read, or state no licence.
        OutputError: the folder cannot be written.
    """
    config, state, metadata = load_checkpoint(source)
    if not metadata.licence:
        raise CheckpointError(
            f"{source} states no licence, and nobody may use published weights without one; record it first: "
            "sam2s weights convert SOURCE OUT.safetensors --licence TERMS"
        )
    save_checkpoint(folder / MODEL_FILE, state, config, metadata, dtype=precision)
    parameters = sum(tensor.numel() for tensor in state.values())
    (folder / "README.md").write_text(model_card(repo, config, metadata, parameters, figures), encoding="utf-8")


def push_weights(
    source: str | Path,
    repo: str,
    *,
    private: bool = False,
    precision: Literal["fp16", "fp32"] = "fp16",
    figures: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Upload weights and their card; the repository is made when missing. HF_ENDPOINT and HF_TOKEN are honoured.

    Args:
        source, precision, figures: as for `write_publication`.
        repo: OWNER/NAME.
        private: make a new repository private.

    Returns:
        the address of the commit.

    Raises:
        CheckpointError: the weights cannot be read or state no licence, or the hub refused the upload.
    """
    from huggingface_hub import HfApi, constants

    if repo.count("/") != 1:
        raise CheckpointError(f"{repo!r} is not a repository; give OWNER/NAME")
    api = HfApi(endpoint=constants.ENDPOINT)
    with tempfile.TemporaryDirectory(prefix="sam2s-") as folder:
        write_publication(source, Path(folder), repo, precision=precision, figures=figures)
        try:
            api.create_repo(repo, private=private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repo, folder_path=folder, commit_message="Publish weights with their card"
            )
        except Exception as error:  # besides its own errors the client lets those of its HTTP library through
            reason = (str(error).splitlines() or [""])[0] or type(error).__name__
            raise CheckpointError(
                f"cannot publish {repo}: {reason}. Log in with `hf auth login` or set HF_TOKEN to a "
                "token that may write"
            ) from error
    return str(commit.commit_url)
