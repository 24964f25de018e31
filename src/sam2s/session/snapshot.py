"""A tracker's whole state as bytes: safetensors for what is large, JSON in its header for the rest.

A snapshot taken after a frame and restored later tracks on as if nothing had happened, exactly so on a processor.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, fields
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from sam2s.errors import OutputError
from sam2s.memory import MemoryEntry, MemoryPolicy
from sam2s.model import Network, Segmentation
from sam2s.tracking.object_segmenter import Request
from sam2s.tracking.object_track import ObjectTrack, Prompted
from sam2s.tracking.preprocess import Clicks
from sam2s.tracking.presence import Presence, PresenceRule
from sam2s.tracking.results import ObjectState
from sam2s.tracking.tracker import Tracker

VERSION = 2
_Json = dict[str, Any]


class _Packer:
    """Replaces tensors by their number; one that occurs several times is stored once."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[int, str] = {}

    def tensor(self, x: Tensor | None) -> str | None:
        if x is None:
            return None
        if id(x) not in self._names:
            self._names[id(x)] = str(len(self._names))
            self.tensors[self._names[id(x)]] = x.clone(memory_format=torch.contiguous_format)
        return self._names[id(x)]

    def entry(self, e: MemoryEntry) -> _Json:
        return {
            "time": e.time,
            "iou": e.iou,
            "visible": e.visible,
            "pointer": self.tensor(e.pointer),
            "map": self.tensor(e.map),
        }

    def prompted(self, p: Prompted) -> _Json:
        answer = {f.name: self.tensor(getattr(p.answer, f.name)) for f in fields(Segmentation) if f.name != "decoded"}
        request = {
            "coords": p.request.clicks.coords,
            "labels": p.request.clicks.labels,
            "mask": self.tensor(p.request.mask),
        }
        return {
            "request": request,
            "answer": answer,
            "entry": self.entry(p.entry),
            "followed": p.followed,
            "embedding": self.tensor(p.embedding),
        }

    def track(self, t: ObjectTrack) -> _Json:
        bank, chosen = t.bank, t.bank.filter
        best = chosen.best and {
            "entry": self.entry(chosen.best[0]),
            "feature": self.tensor(chosen.best[1]),
            "similarity": chosen.best[2],
        }
        return {
            "id": t.object_id,
            "end": t.end,
            "presence": t.presence and asdict(t.presence),
            "answers": {str(time): self.prompted(p) for time, p in t.answers.items()},
            "pending": {str(time): self.prompted(p) for time, p in t.pending.items()},
            "corrections": {str(time): self.prompted(p) for time, p in t.corrections.items()},
            "conditioning": [self.entry(e) for e in bank.conditioning.values()],
            "recent": [self.entry(e) for e in bank.recent.values()],
            "long_term": [self.entry(e) for e in bank.long_term],
            "filter": {
                "anchor": self.tensor(chosen.anchor),
                "latest": self.tensor(chosen.latest),
                "count": chosen.count,
                "best": best,
            },
        }


class _Unpacker:
    def __init__(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        self._tensors = {name: x.to(device) for name, x in tensors.items()}

    def maybe(self, name: str | None) -> Tensor | None:
        return None if name is None else self._tensors[name]

    def entry(self, e: _Json) -> MemoryEntry:
        return MemoryEntry(e["time"], self._tensors[e["pointer"]], e["iou"], e["visible"], self.maybe(e["map"]))

    def prompted(self, p: _Json) -> Prompted:
        coords = tuple((x, y) for x, y in p["request"]["coords"])
        request = Request(Clicks(coords, tuple(p["request"]["labels"])), self.maybe(p["request"]["mask"]))
        answer = Segmentation(**{name: self.maybe(value) for name, value in p["answer"].items()})  # type: ignore[arg-type]
        return Prompted(request, answer, self.entry(p["entry"]), p["followed"], self.maybe(p["embedding"]))

    def track(self, t: _Json, into: ObjectTrack) -> None:
        bank, chosen = into.bank, t["filter"]
        into.end = t["end"]
        if seen := t["presence"]:
            into.presence = Presence(ObjectState(seen["state"]), seen["hidden"], seen["at_border"])
        into.answers = {int(time): self.prompted(p) for time, p in t["answers"].items()}
        into.pending = {int(time): self.prompted(p) for time, p in t["pending"].items()}
        into.corrections = {int(time): self.prompted(p) for time, p in t["corrections"].items()}
        bank.conditioning = {e["time"]: self.entry(e) for e in t["conditioning"]}
        bank.recent = {e["time"]: self.entry(e) for e in t["recent"]}
        bank.long_term = deque((self.entry(e) for e in t["long_term"]), bank.policy.places)
        bank.filter.anchor, bank.filter.latest = self.maybe(chosen["anchor"]), self.maybe(chosen["latest"])
        bank.filter.count = chosen["count"]
        if best := chosen["best"]:
            bank.filter.best = self.entry(best["entry"]), self._tensors[best["feature"]], best["similarity"]


def dump(tracker: Tracker, extra: _Json | None = None) -> bytes:
    """Turn the state of a tracker, and any JSON beside it, into bytes."""
    packer = _Packer()
    state = {
        "version": VERSION,
        "policy": asdict(tracker.policy),
        "rule": asdict(tracker.rule),
        "network": _network(tracker.model),
        "settings": {"stability": tracker.net.stability, "num_frames": tracker.num_frames, "revisit": tracker.revisit},
        "reverse": tracker.reverse,
        "time": tracker.time,
        "gone": sorted(tracker.gone),
        "tracks": [packer.track(track) for track in tracker.tracks.values()],
        "extra": extra or {},
    }
    return save(packer.tensors or {"none": torch.zeros(1)}, {"state": json.dumps(state)})


def restore(model: Network, data: bytes) -> tuple[Tracker, _Json]:
    """Make the tracker, and the JSON, that `dump` was given.

    Raises:
        OutputError: the bytes are no snapshot of ours, or one of another network.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        state = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["state"])
        tensors = load(data)
    except Exception as error:  # safetensors and json raise many kinds; all mean damage
        raise OutputError(f"the snapshot of the tracker is damaged ({error}); remove it to start again") from error
    if state["version"] != VERSION:
        raise OutputError(
            f"the snapshot is of format {state['version']}, this sam2s reads {VERSION}; track again from the start"
        )
    if state["network"] != _network(model):
        made, have = state["network"], _network(model)
        raise OutputError(
            f"the snapshot was made by {made}, not {have}; give the same weights and --image-size, or another --out"
        )
    tracker = Tracker(model, MemoryPolicy(**state["policy"]), rule=PresenceRule(**state["rule"]), **state["settings"])
    tracker.reverse, tracker.time, tracker.gone = state["reverse"], state["time"], set(state["gone"])
    unpacker = _Unpacker(tensors, model.device)
    for packed in state["tracks"]:
        track = tracker.tracks[packed["id"]] = tracker.new_track(packed["id"])
        unpacker.track(packed, track)
    return tracker, state["extra"]


def _network(model: Network) -> str:
    return f"{model.config.name} at {model.image_size} px in {str(model.dtype).removeprefix('torch.')}"
