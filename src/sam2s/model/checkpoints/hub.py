"""Fetching weights from the Hugging Face hub into its cache, checked."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NoReturn

from sam2s.errors import CheckpointError

from .registry import Entry


def cached(item: Entry) -> Path | None:
    """Where the file lies in the hub's cache, or None; asks no server."""
    from huggingface_hub import try_to_load_from_cache

    assert item.repo is not None
    found = try_to_load_from_cache(item.repo, item.file)
    return Path(found) if isinstance(found, str) else None


def fetch(item: Entry) -> Path:
    """Return the cached file, downloading it first where needed, with a progress bar on standard error.

    The hub's client resumes an interrupted download. The result is held against the SHA-256 of the registry, or the one
    the hub states; HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE are honoured.

    Raises:
        CheckpointError: no network, offline mode, no access, no such file, or a wrong checksum.
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
    expected = item.sha256 or (stated if re.fullmatch(r"[0-9a-f]{64}", stated) else None)
    if expected is not None:
        _verify(path, expected, item)
    return path


def _verify(path: Path, expected: str, item: Entry) -> None:
    """Remove a file that is not what it should be, and say so."""
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != expected:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise CheckpointError(
            f"{item.file} of {item.repo} arrived damaged: its SHA-256 is {actual}, expected {expected}. "
            f"It was removed; try again: sam2s weights fetch {item.name}"
        )


def _explain(error: Exception, item: Entry, url: str) -> NoReturn:
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
        f"--weights /path/to/{item.file}"
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
