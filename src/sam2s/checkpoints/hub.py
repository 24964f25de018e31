"""Fetching weights from the Hugging Face hub into its cache, checked."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from sam2s.errors import CheckpointError

from .registry import NamedWeights

log = logging.getLogger(__name__)

MODEL_FILE = "model.safetensors"
"""File of the weights in a repository that is not in the registry."""


def cached(item: NamedWeights) -> Path | None:
    """Where the checked file lies in the hub's cache, or None; asks no server. A damaged file is removed.

    Raises:
        CheckpointError: it lies there but cannot be read.
    """
    from huggingface_hub import try_to_load_from_cache

    assert item.repo is not None
    found = try_to_load_from_cache(item.repo, item.file)
    if not isinstance(found, str):
        return None
    path = Path(found)
    try:  # what is fetched stands in the cache before it is checked; its own name is the sum that the hub stated
        _verify(path, item.sha256 or path.resolve().name, item)
    except FileNotFoundError:
        return None  # removed meanwhile by another process
    except _Damaged as error:
        log.warning("%s", error)
        return None
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    return path


def fetch(item: NamedWeights) -> Path:
    """Return the cached file, downloading it first where needed, with a progress bar on standard error.

    The hub's client resumes an interrupted download. The result is held against the SHA-256 of the registry, or the one
    the hub states; HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE are honoured.

    Raises:
        CheckpointError: no network, offline mode, no access, no such file, a wrong checksum, or another process removed
            the file.
    """
    found = cached(item)
    if found is not None:
        return found
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    assert item.repo is not None
    url = hf_hub_url(item.repo, item.file)
    try:
        stated = get_hf_file_metadata(url).etag or ""
        path = Path(hf_hub_download(item.repo, item.file))
    except Exception as error:  # besides its own errors the client lets those of its HTTP library through
        _explain(error, item, url)
    try:
        _verify(path, item.sha256 or stated, item)
    except OSError as error:
        raise CheckpointError(
            f"cannot read {path}, which was just fetched ({error.strerror or error}); try again: "
            f"sam2s weights fetch {item.name}"
        ) from error
    return path


def fetch_repository(item: NamedWeights) -> Path:
    """Fetch `MODEL_FILE` of any repository, and its config.json where there is one: transformers weights need it.

    Raises:
        CheckpointError: as for `fetch`.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    path = fetch(item)
    assert item.repo is not None
    with suppress(EntryNotFoundError, LocalEntryNotFoundError):
        hf_hub_download(item.repo, "config.json")
    return path


class _Damaged(CheckpointError):
    """A file is not what it should be, and was removed."""


def _verify(path: Path, expected: str, item: NamedWeights) -> None:
    """Remove a file that is not what it should be, and say so; one that is bears a mark, and is not read again.

    What is expected is the SHA-256, or something else where the hub knows none; then there is nothing to check.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", expected):
        return
    content = path.resolve()
    mark, facts = content.with_name(f"{content.name}.verified"), content.stat()
    record = f"{expected} {facts.st_size} {facts.st_mtime_ns}"
    with suppress(OSError):
        if mark.read_text() == record:
            return
    with content.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != expected:
        for gone in (mark, content, path):
            gone.unlink(missing_ok=True)
        raise _Damaged(
            f"{item.file} of {item.repo} arrived damaged: its SHA-256 is {actual}, expected {expected}. "
            f"It was removed; try again: sam2s weights fetch {item.name}"
        )
    with suppress(OSError):  # a cache that cannot be written is read again each time
        mark.write_text(record)


def _explain(error: Exception, item: NamedWeights, url: str) -> NoReturn:
    """Turn what the client raised into the sentence that helps."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    by_hand = (
        f"Download {url} on a machine with a connection, copy it here and give its path instead of the name: "
        f"--weights /path/to/{item.file} (in sam2s train: --set model.init=/path/to/{item.file})"
    )
    match error:
        case GatedRepoError():
            why = (
                f"{item.repo} is gated: accept its terms on its page, then log in with `hf auth login` or set HF_TOKEN"
            )
        case RepositoryNotFoundError():
            why = f"the hub has no repository {item.repo}, or shows it only after `hf auth login`"
        case LocalEntryNotFoundError():
            why = f"the server cannot be reached. {by_hand}"
        case EntryNotFoundError():
            why = f"{item.repo} has no file {item.file}"
        case HfHubHTTPError():
            why = f"the server answered {error.response.status_code}; try again later. {by_hand}"
        case _ if constants.HF_HUB_OFFLINE:
            why = f"HF_HUB_OFFLINE is set and it is not in the cache. Unset it, or: {by_hand}"
        case _:
            why = f"the connection failed ({type(error).__name__}: {error}). {by_hand}"
    raise CheckpointError(f"cannot fetch {item.name}: {why}") from error
