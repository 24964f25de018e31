"""What a run was made of: enough to tell whether two runs may share a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sam2s.formats.records import ratio

_Json = dict[str, Any]


@dataclass(frozen=True)
class RunInfo:
    """The head of a run folder, kept as run.json.

    Attributes:
        source: name of the video.
        fingerprint: of its content, as `VideoSource.fingerprint` gives it.
        size: (H, W) of its frames.
        fps: frames a second, or None where unknown.
        names: of objects, by id; unnamed ones may be missing.
        prompts: every prompt in order, as plain JSON.
        weights: name of the weights.
        weights_hash: hash of the weights.
        policy: the memory policy, as plain JSON.
        settings: all else that changes masks (image size, precision, stride, ...), as plain JSON.
    """

    source: str
    fingerprint: str
    size: tuple[int, int]
    fps: Fraction | None
    names: dict[int, str] = field(default_factory=dict)
    prompts: list[_Json] = field(default_factory=list)
    weights: str = ""
    weights_hash: str = ""
    policy: _Json = field(default_factory=dict)
    settings: _Json = field(default_factory=dict)

    def name(self, object_id: int) -> str:
        """What an object is called in exports; "object" where nobody named it."""
        return self.names.get(object_id, "object")

    @property
    def folder_name(self) -> str:
        """The source's name as one part of a path."""
        return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", self.source).strip("._ ") or "masks"

    def to_json(self) -> _Json:
        """As plain JSON."""
        return {
            "source": {
                "name": self.source,
                "fingerprint": self.fingerprint,
                "height": self.size[0],
                "width": self.size[1],
                "fps": ratio(self.fps),
            },
            "names": {str(object_id): name for object_id, name in self.names.items()},
            "prompts": self.prompts,
            "weights": {"name": self.weights, "hash": self.weights_hash},
            "policy": self.policy,
            "settings": self.settings,
        }

    @classmethod
    def from_json(cls, data: _Json) -> RunInfo:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: something is missing or of the wrong kind.
        """
        source, weights = data["source"], data["weights"]
        return cls(
            source["name"],
            source["fingerprint"],
            (int(source["height"]), int(source["width"])),
            None if source["fps"] is None else Fraction(source["fps"]),
            {int(object_id): name for object_id, name in data["names"].items()},
            data["prompts"],
            weights["name"],
            weights["hash"],
            data["policy"],
            data["settings"],
        )


def differences(there: Any, now: Any, path: str = "") -> Iterator[str]:
    """Name every value that differs between two JSON trees: "settings.image_size is 512 there and 1024 now"."""
    if isinstance(there, dict) and isinstance(now, dict):
        for key in [*there, *(key for key in now if key not in there)]:
            yield from differences(there.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif there != now:
        if isinstance(there, list) or isinstance(now, list):
            yield f"{path} differ"
        else:
            yield f"{path} is {there} there and {now} now"
