"""Damage for files and values, drawn from a seed."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 255, 256, 65536, 2**31, 2**63, 10**30, -(10**30), 0.5, -0.0, 1e300, float("inf"),
    float("-inf"), float("nan"), "", " ", "0", "-1", "a", "a" * 5000, "é\u202e\ud7ff", "\0", "../../x", "/", "C:\\x",
    "nan", "1e400", "0x10", "null", [], [[]], [None], {}, {"": None}, [0] * 1000, {"id": 1}, [[[1, 2], [3, 4]]],
)  # fmt: skip


_MARKS = ("{", "[", ":", "- ", "&a ", "*a", "!!python/name:os.system", "\t", "#")
_SCALARS = (".nan", ".inf", "~", "2020-01-01", "1_000", "0o17", "!!binary aa", "*a", "1:30")


def bytes_of(rng: random.Random, data: bytes, keep: int = 0) -> bytes:
    """Change bytes behind the first `keep`: flips, noise, zeros, cuts, repeats and moves, one to four times."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if len(changed) <= keep:
            break
        at = rng.randrange(keep, len(changed))
        size = min(rng.choice((1, 2, 4, 16, 64, 300, 2000, 20000)), len(changed) - at)
        kind = rng.randrange(9)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at : at + size] = rng.randbytes(size)
        elif kind == 2:
            changed[at : at + size] = bytes(size)
        elif kind == 3:
            del changed[at:]
        elif kind == 4:
            del changed[at : at + size]
        elif kind == 5:
            changed[at:at] = changed[at : at + size]
        elif kind == 6:
            changed[at:at] = rng.randbytes(size)
        elif kind == 7:
            other = rng.randrange(keep, len(changed))
            changed[other : other + size] = changed[at : at + size]
        else:
            changed[at : at + min(size, 8)] = b"\xff" * min(size, 8)
    return bytes(changed)


def value_of(rng: random.Random, value: Any) -> Any:
    """Change one to three places of a value made of dicts, lists and scalars."""
    changed = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        changed = _changed(rng, changed)
    return changed


def _changed(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        kind = rng.randrange(8)
        if kind == 0:
            del value[key]
        elif kind == 1:
            value[rng.choice(["", "x", key + key, key.upper()]) if isinstance(key, str) else "x"] = value.pop(key)
        else:
            value[key] = _changed(rng, value[key])
        return value
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        kind = rng.randrange(8)
        if kind == 0:
            del value[at]
        elif kind == 1:
            value.insert(at, copy.deepcopy(value[at]))
        else:
            value[at] = _changed(rng, value[at])
        return value
    if isinstance(value, str) and value and rng.random() < 0.4:
        at = rng.randrange(len(value))
        return value[:at] + rng.choice(["", "\0", "é", "9", "/", value]) + value[at + rng.randrange(3) :]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.4:
        return rng.choice([-value, value + 1, value * 1000, value + 0.5, str(value), [value]])
    return copy.deepcopy(rng.choice(NASTY))


def json_of(rng: random.Random, value: Any) -> bytes:
    """A JSON file of a changed value, or a changed file of the value, or one that is none."""
    kind = rng.randrange(12)
    if kind == 0:
        return bytes_of(rng, json.dumps(value).encode())
    if kind == 1:
        return rng.choice([b"", b"[" * 20000, b'{"a":' * 20000, b"\xff\xfe", b"nul", b"1" * 6000, b'"\\ud800"'])
    text = json.dumps(value_of(rng, value))
    return rng.choice([b"", b"", b"", b"\xef\xbb\xbf"]) + text.encode("utf-8", "surrogatepass")


def text_of(rng: random.Random, text: str) -> bytes:
    """Changed text: lines dropped, repeated, swapped or replaced, characters put in, bytes changed."""
    if rng.randrange(4) == 0:
        return bytes_of(rng, text.encode())
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        line = lines[at]
        kind = rng.randrange(7)
        if kind == 0:
            lines[at] = ""
        elif kind == 1:
            lines.insert(at, line)
        elif kind == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], line
        elif kind == 3:
            lines[at] = line.partition(":")[0] + ": " + _scalar(rng)
        elif kind == 4:
            lines[at] = " " * rng.randrange(6) + line
        elif kind == 5:
            place = rng.randrange(len(line) + 1)
            lines[at] = line[:place] + rng.choice(_MARKS) + line[place:]
        else:
            lines[at] = line[: rng.randrange(len(line) + 1)]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _scalar(rng: random.Random) -> str:
    return json.dumps(rng.choice(NASTY)) if rng.random() < 0.7 else rng.choice(_SCALARS)
