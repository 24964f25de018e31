"""Track objects with a network that `sam2s export onnx` wrote, by numpy and onnxruntime alone.

    python examples/onnx_track.py GRAPHS VIDEO.npy --box 1@0:195,48,550,293 --point 2@10:300,200 --out masks.npz

GRAPHS is the exported folder, VIDEO.npy an array uint8 [T, H, W, 3] in RGB. Neither PyTorch nor sam2s is needed: copy
this file beside your program. `docs/reference/onnx-folder.md` describes the files and the rules that it follows; the
numbers of the equations are those of the SAM2S paper.

    tracker = OnnxTracker("GRAPHS")
    for index, frame in enumerate(frames):
        prompts = {1: Prompt(box=(195, 48, 550, 293))} if index == 0 else {}
        for object_id, answer in tracker.step(frame, prompts).items():
            print(index, object_id, answer.confidence, answer.mask.sum())

A step is one frame, so a program stops between two of them whenever it likes, and nothing runs behind its back.

Shapes: H and W of the frame, S of the network's image, C channels, h = S / 16, M memory maps, R object pointers.
"""

from __future__ import annotations

import argparse
import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

MEAN, STD = (np.array(x, np.float32).reshape(3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
SHORT_TERM, POINTERS, CONDITIONING_SLOT, LONG_TERM_SLOT = 6, 16, 6, 7
CANDIDATES, LONG_TERM, MOST_PROMPTED = 5, 4, 16
ABSENT, CERTAIN = -1024.0, 100.0


@dataclass(frozen=True)
class Prompt:
    """What is said of an object on a frame, in pixels of the frame.

    Attributes:
        box: x0, y0, x1, y1, or None.
        points: x, y of clicks.
        labels: 1 for a click on the object, 0 for one off it; all on it if left out.
    """

    box: tuple[float, float, float, float] | None = None
    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answer:
    """One object on one frame.

    Attributes:
        mask: bool [H, W].
        iou: predicted IoU of the mask, 0 to 1.
        presence: probability that the object is visible, 0 to 1.
    """

    mask: np.ndarray
    iou: float
    presence: float

    @property
    def confidence(self) -> float:
        """One number for a list of frames to look at: the predicted IoU where the object is seen, else 1 - presence."""
        return self.iou if self.presence > 0.5 else 1 - self.presence


@dataclass
class Entry:
    """What is remembered of a frame: map [D, h, w], pointer [C], predicted IoU, whether the object was seen."""

    time: int
    map: np.ndarray
    pointer: np.ndarray
    iou: float
    visible: bool


@dataclass
class Memory:
    """What one object remembers (DiveMem): prompted frames, recent ones, and a few that differ."""

    prompted: list[Entry] = field(default_factory=list)
    recent: deque[Entry] = field(default_factory=lambda: deque(maxlen=POINTERS - 1))
    long_term: deque[Entry] = field(default_factory=lambda: deque(maxlen=LONG_TERM))
    reference: np.ndarray | None = None  # embedding that candidates are compared with
    best: tuple[Entry, np.ndarray, float] | None = None
    count: int = 0

    def add_prompted(self, entry: Entry, embedding: np.ndarray) -> None:
        """Remember a frame with a prompt; the first one stays, of the others the farthest in time leaves."""
        if not self.prompted:
            self.reference = embedding
        self.prompted.append(entry)
        if len(self.prompted) > MOST_PROMPTED:
            self.prompted.remove(max(self.prompted[1:], key=lambda e: abs(e.time - entry.time)))
        self.best, self.count = None, 0

    def add_tracked(self, entry: Entry, embedding: np.ndarray, threshold: float) -> None:
        """Remember a tracked frame; of five confident ones in a row keep the one least like the last that was kept."""
        self.recent.append(entry)
        if not (entry.iou > threshold and entry.visible):
            self.best, self.count = None, 0
            return
        assert self.reference is not None
        a, b = embedding.ravel(), self.reference.ravel()
        likeness = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))  # Eq. 2
        if self.best is None or likeness < self.best[2]:
            self.best = entry, embedding, likeness
        self.count += 1
        if self.count == CANDIDATES:
            chosen, self.reference, _ = self.best
            self.long_term.append(chosen)
            self.best, self.count = None, 0

    def read(self, time: int) -> dict[str, np.ndarray]:
        """Inputs of the memory attention for a frame, but for the embedding."""
        recent = {time - entry.time: entry for entry in self.recent}
        near = [(d - 1, recent[d]) for d in range(SHORT_TERM, 0, -1) if d in recent]
        far = [(LONG_TERM_SLOT, e) for e in self.long_term if not 0 < time - e.time <= SHORT_TERM]
        maps = [*((CONDITIONING_SLOT, entry) for entry in self.prompted), *near, *far]
        pointers = [(time - entry.time, entry.pointer) for entry in self.prompted]
        pointers += [(d, recent[d].pointer) for d in range(1, POINTERS) if d in recent]
        return {
            "maps": np.stack([entry.map for _, entry in maps])[None],
            "slots": np.array([slot for slot, _ in maps], np.int64),
            "pointers": np.stack([pointer for _, pointer in pointers])[None],
            "distances": np.array([d for d, _ in pointers], np.float32) / (POINTERS - 1),
        }


class OnnxTracker:
    """Tracks any number of objects, one frame after another, in constant memory.

    Args:
        folder: what `sam2s export onnx` wrote.
        threads: of onnxruntime; 0 lets it decide.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        folder = Path(folder)
        facts = json.loads((folder / "sam2s-onnx.json").read_text())
        if facts["version"] != 1:
            raise ValueError(f"{folder}: version {facts['version']} of the folder; this program reads version 1")
        config = facts["network"]["config"]
        self.size: int = config["image_size"]
        stored = config.get("confident_iou")
        self.threshold: float = 0.95 if stored is None else stored
        self._presence = config.get("presence_scale", 1.0), config.get("presence_shift", 0.0)
        self._graphs: dict[str, Any] = facts["graphs"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self._sessions = {
            name: onnxruntime.InferenceSession(folder / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
            for name in self._graphs
        }
        self._constants = read_safetensors(folder / "constants.safetensors")
        self._memories: dict[int, Memory] = {}
        self._time = -1

    def step(self, image: np.ndarray, prompts: dict[int, Prompt] | None = None) -> dict[int, Answer]:
        """Track all objects into the next frame.

        Args:
            image: uint8 [H, W, 3], RGB.
            prompts: by object id; a new id begins an object, a known one is told where it is.
        """
        self._time += 1
        pixels = resize_bicubic(image, self.size).transpose(2, 0, 1).astype(np.float32) / 255
        features = self._run("image_encoder", images=((pixels - MEAN) / STD)[None].astype(np.float32))
        answers = {}
        for object_id in [*self._memories, *(i for i in prompts or {} if i not in self._memories)]:
            prompt = (prompts or {}).get(object_id)
            logits, iou, object_logit, entry = self._segment(object_id, features, prompt, image.shape[:2])
            memory = self._memories.setdefault(object_id, Memory())
            if prompt is None:
                memory.add_tracked(entry, features["embedding"], self.threshold)
            else:
                memory.add_prompted(entry, features["embedding"])
            mask = resize_bilinear(logits, image.shape[:2]) > 0
            scale, shift = self._presence
            presence = float(1 / (1 + np.exp(-np.float64(scale * object_logit + shift))))
            answers[object_id] = Answer(mask, iou, presence)
        return answers

    def remove(self, object_id: int) -> None:
        """Forget an object."""
        del self._memories[object_id]

    def _segment(
        self, object_id: int, features: dict[str, np.ndarray], prompt: Prompt | None, frame: tuple[int, int]
    ) -> tuple[np.ndarray, float, float, Entry]:
        """Low-resolution logits [4h, 4w], predicted IoU, presence logit, and what is remembered."""
        embedding = features["embedding"]
        if prompt is None:
            memory = self._memories[object_id].read(self._time)
            conditioned = self._run("memory_attention", embedding=embedding, **memory)
            coords, labels = np.zeros((1, 1, 2), np.float32), np.array([[-1]], np.int64)
        else:
            conditioned = {"conditioned": embedding + self._constants["no_mem_embed"].reshape(1, -1, 1, 1)}
            if "cls_token" in self._constants:
                conditioned["cls"] = self._constants["cls_token"].reshape(1, 1, -1)
            coords, labels = self._points(prompt, frame)
        side = self.size // 4
        encoded = self._run(
            "prompt_encoder",
            coords=coords,
            labels=labels,
            mask=np.zeros((1, 1, side, side), np.float32),
            has_mask=np.zeros(1, bool),
        )
        high = {name: features[name] for name in ("s4", "s8")}
        token = {name: conditioned[name] for name in ("cls",) if name in conditioned}
        decoded = self._run("mask_decoder", embedding=conditioned["conditioned"], **high, **encoded, **token)
        mask, pointer_token = choose(decoded, ambiguous=labels.shape[1] <= 1)
        object_logit, iou = float(decoded["object_logit"][0, 0]), float(decoded["ious"][0, mask])
        visible = object_logit > 0
        logits = decoded["logits"][0, mask] if visible else np.full((side, side), ABSENT, np.float32)
        pointer = self._constants["no_obj_ptr"].reshape(-1)
        if visible:
            pointer = self._run("object_pointer", tokens=decoded["tokens"][:, pointer_token])["pointers"][0]
        full = resize_bilinear(logits, (self.size, self.size))
        if prompt is not None:
            full = np.where(full > 0, CERTAIN, -CERTAIN)
        memory_map = self._run(
            "memory_encoder",
            embedding=embedding,
            logits=full[None, None].astype(np.float32),
            object_logit=decoded["object_logit"],
        )["maps"][0]
        return logits, iou, object_logit, Entry(self._time, memory_map, pointer, iou, visible)

    def _points(self, prompt: Prompt, frame: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates [1, P, 2] in pixels of the network's image and labels [1, P]; a box is its two corners."""
        points, labels = list(prompt.points), list(prompt.labels or [1] * len(prompt.points))
        if prompt.box is not None:
            points, labels = [prompt.box[:2], prompt.box[2:], *points], [2, 3, *labels]
        scale = np.array([self.size / frame[1], self.size / frame[0]])
        return (np.array([points], np.float64) * scale).astype(np.float32), np.array([labels], np.int64)

    def _run(self, name: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        outputs = list(self._graphs[name]["outputs"])
        return dict(zip(outputs, self._sessions[name].run(outputs, inputs), strict=True))


def choose(decoded: dict[str, np.ndarray], *, ambiguous: bool) -> tuple[int, int]:
    """Mask and token to take: the best of masks 1 to 3 for one click or none, else mask 0 if it is stable."""
    best = int(decoded["ious"][0, 1:].argmax()) + 1
    if ambiguous:
        return best, best
    single = decoded["logits"][0, 0]
    inner, outer = int((single > 0.05).sum()), int((single > -0.05).sum())
    return (0 if outer == 0 or np.float32(inner) / np.float32(outer) >= np.float32(0.98) else best), 0


def resize_bicubic(image: np.ndarray, size: int) -> np.ndarray:
    """uint8 [H, W, 3] -> [size, size, 3] as Pillow's bicubic does it, in whole numbers of 22 bits behind the point."""
    if image.shape[:2] == (size, size):
        return image
    rows = _weights(image.shape[1], size)
    across = np.einsum("hwc,sw->hsc", image.astype(np.float64), rows, optimize=True)
    across = np.clip(np.floor((across + (1 << 21)) / (1 << 22)), 0, 255)
    down = np.einsum("hsc,th->tsc", across, _weights(image.shape[0], size), optimize=True)
    return np.clip(np.floor((down + (1 << 21)) / (1 << 22)), 0, 255).astype(np.uint8)


def _weights(length: int, size: int) -> np.ndarray:
    """Weights [size, length] of the pixels of a line, times 2 ** 22; exact in float64."""
    scale = length / size
    stretch = max(scale, 1.0)
    weights = np.zeros((size, length))
    for i in range(size):
        center = (i + 0.5) * scale
        first, last = max(0, int(center - 2 * stretch + 0.5)), min(length, int(center + 2 * stretch + 0.5))
        x = np.abs((np.arange(first, last) - center + 0.5) / stretch)
        inner, outer = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
        line = np.where(x < 1, inner, np.where(x < 2, outer, 0.0))
        line = line / line.sum() * (1 << 22)
        weights[i, first:last] = np.trunc(line + np.where(line < 0, -0.5, 0.5))
    return weights


def resize_bilinear(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """float32 [h, w] -> [H, W]; pixel centres lie at a half, borders are repeated."""
    top, bottom, down = _neighbours(logits.shape[0], size[0])
    left, right, across = _neighbours(logits.shape[1], size[1])
    upper, lower = (_mix(line[:, left], line[:, right], across[None]) for line in (logits[top], logits[bottom]))
    return _mix(upper, lower, down[:, None])


def _mix(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """a (1 - share) + b share, rounded as a product that is added to another in one step, as processors do it."""
    product = (b * share).astype(np.float64)
    return (a.astype(np.float64) * (1 - share).astype(np.float64) + product).astype(np.float32)


def _neighbours(length: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # The scale is a float32, the rest is rounded once, as processors multiply and add.
    exact = (np.arange(size) + 0.5) * float(np.float32(length / size)) - 0.5
    place = np.maximum(exact.astype(np.float32), 0)
    first = np.minimum(place.astype(np.int64), length - 1)
    return first, np.minimum(first + 1, length - 1), (place - first).astype(np.float32)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Tensors of a small safetensors file: a length, a header in JSON, then the numbers (float32 here)."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            start, stop = (8 + length + place for place in tensor["data_offsets"])
            tensors[name] = np.frombuffer(data[start:stop], "<f4").reshape(tensor["shape"])
    return tensors


def read_prompts(boxes: list[str], points: list[str]) -> dict[int, dict[int, Prompt]]:
    """Texts like 1@0:195,48,550,293 and 2@10:300,200 -> prompts by frame and object."""
    prompts: dict[int, dict[int, Prompt]] = {}
    for text, is_box in [*((text, True) for text in boxes), *((text, False) for text in points)]:
        name, _, numbers = text.partition(":")
        object_id, _, frame = name.partition("@")
        values = tuple(float(value) for value in numbers.split(","))
        on_frame = prompts.setdefault(int(frame), {})
        before = on_frame.get(int(object_id), Prompt())
        if is_box:
            on_frame[int(object_id)] = Prompt((values[0], values[1], values[2], values[3]), before.points)
        else:
            on_frame[int(object_id)] = Prompt(before.box, (*before.points, (values[0], values[1])))
    return prompts


def main() -> None:
    """Track a video and write masks and confidences; Ctrl-C ends the run and keeps what there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graphs", type=Path, help="folder of sam2s export onnx")
    parser.add_argument("video", type=Path, help=".npy, uint8 [T, H, W, 3], RGB")
    parser.add_argument("--box", action="append", default=[], help="object@frame:x0,y0,x1,y1")
    parser.add_argument("--point", action="append", default=[], help="object@frame:x,y on the object")
    parser.add_argument("--out", type=Path, default=Path("masks.npz"), help="masks and confidences by object")
    given = parser.parse_args()
    frames, prompts = np.load(given.video, mmap_mode="r"), read_prompts(given.box, given.point)
    tracker, kept = OnnxTracker(given.graphs), dict[str, list[Any]]()
    try:
        for index, frame in enumerate(frames):
            for object_id, answer in tracker.step(np.asarray(frame), prompts.get(index)).items():
                row = (index, answer.iou, answer.presence, answer.confidence)
                kept.setdefault(f"masks_{object_id}", []).append(answer.mask)
                kept.setdefault(f"frames_{object_id}", []).append(row)
                print(f"frame {index} object {object_id} confidence {answer.confidence:.3f}", flush=True)
    except KeyboardInterrupt:
        print("stopped")
    np.savez_compressed(given.out, **{name: np.array(rows) for name, rows in kept.items()})


if __name__ == "__main__":
    main()
