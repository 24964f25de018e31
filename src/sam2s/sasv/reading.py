"""Reading the downloads of others: finding folders, ordering files by number, decoding masks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.files import natural as natural_key
from sam2s.masks.postprocess import clean
from sam2s.picture_files import open_picture, upright
from sam2s.sasv.traces import note

_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db")
_AGAIN = "unpack the official download again, with all its parts"
_STUB_BYTES = 100  # no picture is this small; a symbolic link unpacked as a text file is


def locate(root: Path, *required: str, depth: int = 3) -> Path | None:
    """The first folder at most `depth` levels below `root` in which every pattern (a relative glob) finds something."""
    return next(locate_all(root, *required, depth=depth), None)


def locate_all(root: Path, *required: str, depth: int = 3) -> Iterator[Path]:
    """All such folders, those nearer to `root` first."""
    level = [root]
    for below in range(depth + 1):
        for folder in level:
            if all(next(glob_any_case(folder, pattern), None) for pattern in required):
                yield folder
        if below < depth:
            level = [child for folder in level for child in subfolders(folder)]


def glob_any_case(folder: Path, pattern: str) -> Iterator[Path]:
    """Files and folders that fit a relative glob; the case of a file's suffix does not matter."""
    stem, dot, suffix = pattern.rpartition(".")
    if dot and suffix.isalnum():
        pattern = stem + dot + "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in suffix)
    return folder.glob(pattern)


def subfolders(folder: Path) -> list[Path]:
    """Folders inside a folder in natural order, without what macOS and Windows leave behind."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:  # tells folders from files without a look at each of maybe a million files
        return natural(path for e in entries if e.is_dir() and not _is_junk(path := Path(e.path)))


def files(folder: Path, *suffixes: str) -> list[Path]:
    """Files of a folder with one of the suffixes (".png", any case) in natural order, junk left out.

    Raises:
        DatasetError: the folder is missing.
    """
    if not folder.is_dir():
        raise DatasetError(f"folder {folder} is missing; unpack the official download again, with all its parts")
    note(folder)
    return natural(p for p in folder.iterdir() if p.suffix.lower() in suffixes and not _is_junk(p) and p.is_file())


def natural(paths: Iterable[Path]) -> list[Path]:
    """Sort paths so that numbers in their names count as numbers: frame_99 before frame_100."""
    return sorted(paths, key=lambda path: natural_key(path.name))


def last_number(path: Path) -> int:
    """The last number in a file's stem.

    Raises:
        DatasetError: it has none.
    """
    if numbers := re.findall(r"[0-9]{1,18}", path.stem):
        return int(numbers[-1])
    raise DatasetError(f"{path} has no frame number in its name; restore the official file name")


def existing(path: Path) -> Path:
    """The path itself, or the same with its suffix in other case, once we know that it is there and no stub.

    Raises:
        DatasetError: it is missing, or is a symbolic link that an unpacker wrote as text.
    """
    if not path.is_file():
        path = in_any_case(path)
    if path.stat().st_size < _STUB_BYTES and path.suffix.lower() in (".jpg", ".jpeg"):
        raise DatasetError(
            f"{path} is a text stub of a symbolic link; unpack with a tool that keeps symbolic links (unzip, tar)"
        )
    note(path)
    return path


def in_any_case(path: Path) -> Path:
    """The file with this name, be its suffix in upper or lower case.

    Raises:
        DatasetError: it is missing.
    """
    for suffix in (path.suffix, path.suffix.upper(), path.suffix.lower()):
        if path.with_suffix(suffix).is_file():
            return path.with_suffix(suffix)
    note(path)
    raise DatasetError(f"{path} is missing; unpack the official download again, with all its parts")


def require_all(paths: Iterable[Path]) -> None:
    """Look for all files at once, so that everything that is missing is told at once.

    Raises:
        DatasetError: some are missing; the message counts them and names the first ones.
    """
    names: dict[Path, dict[str, str]] = {}
    missing = []
    for path in paths:
        if path.parent not in names:
            listed = os.listdir(path.parent) if path.parent.is_dir() else []
            names[path.parent] = {name.lower(): name for name in listed}
        if path.name.lower() not in names[path.parent]:
            missing.append(path)
    if missing:
        named = ", ".join(str(path) for path in missing[:3]) + (", ..." if len(missing) > 3 else "")
        count = "1 file is" if len(missing) == 1 else f"{len(missing)} files are"
        raise DatasetError(f"{count} missing: {named}{_misnamed(missing, names)}; {_AGAIN}")


def _misnamed(missing: Sequence[Path], names: Mapping[Path, Mapping[str, str]]) -> str:
    """A file that lies beside a missing one and whose name is the same but for signs and a copy's number."""
    for path in missing:
        for name in names[path.parent].values():
            plain = re.sub(r"( copy)?( ?\(\d+\))?$", "", Path(name).stem, flags=re.IGNORECASE)
            if plain != Path(name).stem and plain.lower() == path.stem.lower():
                return f" (there is {name!r}: rename it to {path.name!r})"
    return ""


def read_rgb(path: Path) -> np.ndarray:
    """Read a picture as uint8 [H, W, 3], upright; alpha is ignored."""
    with open_picture(existing(path)) as image:
        return np.array(upright(image).convert("RGB"))


def read_codes(path: Path) -> np.ndarray:
    """Read a mask whose grey value is a code: uint8 [H, W]. Colour files must have equal channels; alpha is ignored.

    Raises:
        DatasetError: the channels differ, so the file holds colours; a code is above 255 or no whole number; or the
            file was saved with loss, which makes other codes of those near an edge.
    """
    with open_picture(existing(path), "mask") as image:
        lossy = image.format in ("JPEG", "JPEG2000", "MPO")
        picture = upright(image)
        pixels = np.array(picture.convert("RGB") if picture.mode in ("RGBA", "LA") else picture)
    if lossy:
        raise DatasetError(
            f"{path} holds codes but was saved with loss (JPEG), which changes them; restore the official file"
        )
    if pixels.ndim == 3:
        if not (pixels == pixels[..., :1]).all():
            raise DatasetError(
                f"{path} should hold one code per pixel but its channels differ; restore the official file"
            )
        pixels = pixels[..., 0]
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(pixels.dtype, np.integer):
        raise DatasetError(f"{path} holds {pixels.dtype} values, codes are whole numbers; restore the official file")
    if pixels.max() > 255:
        raise DatasetError(f"{path} holds code {pixels.max()}; codes go up to 255, restore the official file")
    return pixels.astype(np.uint8)


def read_colours(path: Path) -> np.ndarray:
    """Read a mask whose colours are classes: uint8 [H, W, 3]; alpha is ignored."""
    return read_rgb(path)


def read_binary(path: Path, *, despeckle: int = 0) -> np.ndarray:
    """Read a black and white mask, lossy or not: bool [H, W], true above 127, specks of fewer pixels removed."""
    with open_picture(existing(path), "mask") as image:
        mask = np.array(upright(image).convert("L")) > 127
    return remove_specks(mask, despeckle) if despeckle else mask


def remove_specks(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Drop connected parts of fewer pixels, even if nothing stays."""
    cleaned = clean(mask, remove_islands=pixels)
    return cleaned if cleaned.sum() >= pixels else np.zeros_like(mask)


def _is_junk(path: Path) -> bool:
    return path.name.startswith("._") or path.name in _JUNK
