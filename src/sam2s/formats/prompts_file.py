"""Prompts as people write them: a JSON file, or flags of the command line.

    {"frame": 0, "objects": [
      {"id": 1, "label": "grasper", "box": [195, 48, 550, 293]},
      {"id": 2, "label": "hook", "points": [[300, 200], [10, 10]], "labels": [1, 0]},
      {"id": 2, "frame": 40, "mask": "hook.png"}
    ]}

Coordinates are (x, y) pixels of the video. A mask is a picture of the video's size whose pixels are object ids, or
0 and either 1 or 255; its path is taken from where the JSON file lies.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from sam2s.errors import PromptError
from sam2s.limits import MAX_TEXT_BYTES
from sam2s.masks.mask_pictures import read_mask_picture
from sam2s.tracking.prompts import Box, Mask, Points, Prompt

log = logging.getLogger(__name__)

_FILE_KEYS = ("frame", "objects")
_OBJECT_KEYS = ("id", "label", "frame", "box", "points", "labels", "mask")
_HEAD = re.compile(r"\s*([0-9]{1,9})(?:=([^@]+))?@([0-9]{1,9}):(.+)", re.DOTALL)
_POINT = re.compile(r"([+-]?)([0-9]{1,9}(?:\.[0-9]*)?),([0-9]{1,9}(?:\.[0-9]*)?)")
_MOST = 10**9
"""Ids and frames are whole numbers below this."""


class PromptEntry(NamedTuple):
    """One thing pointed at: on which frame, for which object, under which name (None where none was given)."""

    frame: int
    object_id: int
    name: str | None
    prompt: Prompt


def read_prompts(path: str | Path) -> list[PromptEntry]:
    """Read a prompts file, in its order, but see `arrange`.

    Raises:
        PromptError: naming the entry that cannot be used, what it holds and what is allowed.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise PromptError(f"prompts file {path} is larger than {MAX_TEXT_BYTES} bytes; is it the right file?")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PromptError(f"cannot read prompts file {path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise PromptError(f"prompts file {path} is nested too deeply; give one list of objects") from error
    except ValueError as error:
        raise PromptError(f"prompts file {path} is not JSON: {error}") from error
    _check_keys(content, _FILE_KEYS, str(path))
    objects = content.get("objects")
    if not isinstance(objects, list) or not objects:
        raise PromptError(f'{path}: "objects" is {_quote(objects)}; give a list of at least one object')
    entries: list[PromptEntry] = []
    for number, item in enumerate(objects):
        where = f"{path}: objects[{number}]"
        _check_keys(item, _OBJECT_KEYS, where)
        object_id = _whole(item.get("id"), 1, f"{where}: id")
        frame = _whole(item.get("frame", content.get("frame", 0)), 0, f"{where}: frame")
        name = item.get("label")
        if name is not None and not _is_text(name):
            raise PromptError(f"{where}: label is {_quote(name)}; give a name in quotes")
        try:
            prompts = list(_prompts(item, object_id, path.parent))
        except PromptError as error:
            raise PromptError(f"{where} (id {object_id}): {error}") from error
        entries += [PromptEntry(frame, object_id, name, prompt) for prompt in prompts]
    names(entries)
    return arrange(entries)


def names(entries: list[PromptEntry]) -> dict[int, str]:
    """Names by object id.

    Raises:
        PromptError: one object has two names.
    """
    found: dict[int, str] = {}
    for entry in entries:
        if entry.name is not None and found.setdefault(entry.object_id, entry.name) != entry.name:
            both = f"{found[entry.object_id]!r} and {entry.name!r}"
            raise PromptError(f"object {entry.object_id} is called {both}; give one name, or another id")
    return found


def arrange(entries: list[PromptEntry]) -> list[PromptEntry]:
    """Put what points at one object on one frame together, its box before its clicks: a box starts anew, clicks add.

    Raises:
        PromptError: a mask stands beside clicks or a box, and would replace them.
    """
    masked = {(entry.frame, entry.object_id) for entry in entries if isinstance(entry.prompt, Mask)}
    places: dict[tuple[int, int], int] = {}
    for entry in entries:
        place = entry.frame, entry.object_id
        places.setdefault(place, len(places))
        if place in masked and not isinstance(entry.prompt, Mask):
            raise PromptError(
                f"object {place[1]} has a mask and points or a box on frame {place[0]}; give the mask alone"
            )
    return sorted(entries, key=lambda e: (places[e.frame, e.object_id], isinstance(e.prompt, Points)))


def parse_box(text: str) -> PromptEntry:
    """Read ID@FRAME:X0,Y0,X1,Y1, for example 1@0:195,48,550,293; ID may be ID=NAME.

    Raises:
        PromptError: the text is of another form.
    """
    frame, object_id, name, rest = _head(text, "--box", "1@0:195,48,550,293")
    try:
        return PromptEntry(frame, object_id, name, _box(rest.split(",")))
    except PromptError as error:
        raise PromptError(f"--box {text!r}: {error}") from error


def parse_points(text: str) -> PromptEntry:
    """Read ID@FRAME:+X,Y for a click on the object, -X,Y for one off it; several stand apart by a space or semicolon.

    Raises:
        PromptError: the text is of another form.
    """
    frame, object_id, name, rest = _head(text, "--point", "1@0:+300,200 or '1@0:+300,200 -10,10'")
    coords, labels = [], []
    for part in re.split(r"[;\s]+", rest.strip("; \t\n")):
        point = _POINT.fullmatch(part)
        if not point:
            raise PromptError(
                f"--point {text!r}: {part!r} is not a click; write +x,y on the object or -x,y off it, in pixels"
            )
        coords.append((float(point[2]), float(point[3])))
        labels.append(0 if point[1] == "-" else 1)
    return PromptEntry(frame, object_id, name, Points(coords, labels))


def parse_mask(text: str) -> PromptEntry:
    """Read ID@FRAME:FILE, for example 1@0:grasper.png; the file is as in a prompts file.

    Raises:
        PromptError: the text is of another form, or the picture cannot be used.
    """
    frame, object_id, name, rest = _head(text, "--mask", "1@0:grasper.png")
    try:
        return PromptEntry(frame, object_id, name, _mask(Path(rest), object_id))
    except PromptError as error:
        raise PromptError(f"--mask {text!r}: {error}") from error


def _head(text: str, flag: str, example: str) -> tuple[int, int, str | None, str]:
    match = _HEAD.fullmatch(text)
    if not match:
        raise PromptError(f"{flag} {text!r} is not understood; write OBJECT@FRAME:..., for example {example}")
    if int(match[1]) < 1:
        raise PromptError(f"{flag} {text!r}: object ids begin at 1")
    if not _is_text(match[2] or ""):
        raise PromptError(f"{flag} {text!r}: the name is no text in UTF-8")
    return int(match[3]), int(match[1]), match[2], match[4]


def _prompts(item: dict[str, Any], object_id: int, folder: Path) -> Iterator[Prompt]:
    if not any(key in item for key in ("box", "points", "mask")):
        raise PromptError("nothing is pointed at; give box, points or mask")
    if "labels" in item and "points" not in item:
        raise PromptError("labels belong to points, and there are none")
    if "box" in item:
        yield _box(item["box"])
    if "points" in item:
        points, labels = item["points"], item.get("labels")
        if not isinstance(points, list) or not all(isinstance(point, list) and len(point) == 2 for point in points):
            raise PromptError(f"points are {_quote(points)}; give a list of pairs like [[300, 200], [10, 10]]")
        if labels is not None and (not isinstance(labels, list) or any(type(label) is not int for label in labels)):
            raise PromptError(
                f"labels are {_quote(labels)}; give a list with 1 (on the object) or 0 (off it) per point"
            )
        yield Points([(_number(x), _number(y)) for x, y in points], labels)
    if "mask" in item:
        if not _is_text(item["mask"]) or "\0" in item["mask"]:
            raise PromptError(f"mask is {_quote(item['mask'])}; give the name of a PNG file")
        yield _mask(folder / item["mask"], object_id)


def _box(corners: Any) -> Box:
    if not isinstance(corners, list) or len(corners) != 4:
        raise PromptError(f"box is {_quote(corners)}; give four numbers x0, y0, x1, y1 in pixels")
    return Box(*map(_number, corners))


def _mask(path: Path, object_id: int) -> Mask:
    mask, note = read_mask_picture(path).of_object(object_id)
    if note:
        log.warning("%s", note)
    return Mask(mask)


def _number(value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise PromptError(f"{_quote(value)} is not a coordinate; give a number of pixels")
    return number


def _whole(value: Any, least: int, what: str) -> int:
    if type(value) is not int or not least <= value < _MOST:
        limit = f"to {_MOST - 1}" if type(value) is int and value >= _MOST else "up"
        raise PromptError(f"{what} is {_quote(value)}; give a whole number from {least} {limit}")
    return value


def _is_text(value: Any) -> bool:
    """Whether a value is a text that can be written to a file."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:  # half of a surrogate pair, or bytes of a command line that are no UTF-8
        return False


def _check_keys(item: Any, allowed: tuple[str, ...], where: str) -> None:
    if not isinstance(item, dict):
        raise PromptError(f"{where} is {_quote(item)}; give an object in braces with {', '.join(allowed)}")
    for key in item:
        if key not in allowed:
            near = get_close_matches(key, allowed, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise PromptError(f"{where}: unknown key {key!r}{hint}; allowed are {', '.join(allowed)}")


def _quote(value: Any) -> str:
    try:
        text = "missing" if value is None else json.dumps(value, default=str)
    except (ValueError, RecursionError):  # a number of thousands of digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
