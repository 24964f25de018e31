"""What it takes a person to label a clip up to J&F 90 with the app, with and without teaching, beside drawing masks.

    python benchmarks/clicks.py drawn:21 --learn-from drawn:15 --minutes 5 --out clicks.json
    python benchmarks/clicks.py FOLDER --learn-from OTHER --minutes 5      # each with frames/ and masks/

The person is simulated by the truth and works through the app's own API: a box on each object where it first appears, a
propagation to the end, then again and again a click into the middle of the largest error of the worst frame, up to
three there, after which the mask is painted; the correction is carried both ways to the frames that were given. Then
the clip is labelled anew with weights that were taught on the other clip, labelled and accepted in the same way.

Seconds of the person are counted, not measured: SECONDS has what each act is taken to cost. That of drawing a mask is
from SAM 2 (Ravi et al. 2024, table 1: 37.8 s where each frame is labelled with SAM and a brush, and nothing is
tracked). Seconds of the machine are measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from sam2s.app.drawn_clip import SIZE, drawn_scene
from sam2s.app.server import create_app
from sam2s.app.settings import AppSettings
from sam2s.evaluation.clicks import error_click
from sam2s.evaluation.measures import boundary_f, jaccard
from sam2s.masks import rle
from sam2s.masks.palette import read_label_map
from sam2s.teaching.accepted_set import LEAST_FRAMES
from sam2s.video import VideoWriter, open_source

SECONDS = {"box": 5.0, "click": 2.0, "paint": 37.8, "look": 5.0}
"""What an act costs a person; `look` is finding the next frame to correct."""
CLICKS_A_FRAME = 3
GOOD = 0.9
"""J from which a corrected frame is left."""
MOST_ROUNDS = 60

Truth = list[dict[int, np.ndarray]]


@dataclass
class Effort:
    """What was done, and what came of it."""

    boxes: int = 0
    clicks: int = 0
    paints: int = 0
    rounds: int = 0
    machine_seconds: float = 0.0
    jf: list[float] = field(default_factory=list)

    @property
    def person_seconds(self) -> float:
        """By `SECONDS`."""
        acts = {"box": self.boxes, "click": self.clicks, "paint": self.paints, "look": self.rounds}
        return sum(SECONDS[name] * count for name, count in acts.items())

    def summary(self) -> dict[str, Any]:
        """As a row of the table."""
        return {
            "boxes": self.boxes,
            "clicks": self.clicks,
            "painted frames": self.paints,
            "person (s)": round(self.person_seconds),
            "machine (s)": round(self.machine_seconds),
            "J&F after the first propagation": round(self.jf[0], 1),
            "J&F at the end": round(self.jf[-1], 1),
        }


def read_clip(name: str, frames: int, folder: Path) -> tuple[Path, Truth]:
    """Write a clip as a video into a folder; returns it and the true masks by frame and object."""
    path = folder / f"{name.replace(':', '-').replace('/', '-').strip('-')}.mp4"
    if name.startswith("drawn:"):
        scene = drawn_scene(int(name[6:]), frames)
        pairs = [scene.render(index) for index in range(frames)]
        tools = [item.id for item in scene.objects if item.type == "instrument"]
        large = [i for i in tools if max((labels == i).mean() for _, labels in pairs) > 0.01][:3]
        size = (SIZE, SIZE)
    else:
        source = open_source(Path(name) / "frames")
        stems = [path.stem for path in source.files]  # type: ignore[attr-defined]
        pairs = [
            (frame.image, read_label_map(Path(name) / "masks" / f"{stems[frame.index]}.png"))
            for frame in source.frames(0, min(frames, source.length or frames))
        ]
        large = [int(i) for i in np.unique(pairs[0][1]) if i]
        size = source.size
    with VideoWriter(path, size, 25) as writer:
        for image, _ in pairs:
            writer.write(image)
    return path, [{i: labels == object_id for i, object_id in enumerate(large, 1)} for _, labels in pairs]


class Annotator:
    """A person at the app, simulated by the truth."""

    def __init__(self, client: TestClient, name: str, truth: Truth) -> None:
        (card,) = [card for card in client.get("/api/videos").json() if card["name"] == name]
        self.client, self.video_id, self.truth = client, card["id"], truth
        self.address, self.effort, self.given = f"/api/videos/{card['id']}", Effort(), set[tuple[int, int]]()

    def label(self, goal: float) -> Effort:
        """Work until the goal is reached, or nothing is left to correct."""
        for object_id in self.truth[0]:
            self._post("objects", {})
            self._box(object_id)
        self._propagate(sorted(self.truth[0]), 0, "forward", "end")
        while True:
            masks = self._masks()
            self.effort.jf.append(self._score(masks))
            if self.effort.jf[-1] >= goal or self.effort.rounds >= MOST_ROUNDS:
                return self.effort
            worst = self._worst(masks)
            if worst is None:
                return self.effort
            self.effort.rounds += 1
            self._correct(*worst, masks[worst[0]].get(worst[1]))

    def accept(self) -> None:
        """Accept everything, in two halves that do not touch, so that one can be held out."""
        half = len(self.truth) // 2
        for start, stop in ((0, half), (half + 1, len(self.truth))):
            self._post("accept", {"start": start, "stop": stop})

    def _box(self, object_id: int) -> None:
        frame = next(f for f, masks in enumerate(self.truth) if masks[object_id].any())
        y, x = np.nonzero(self.truth[frame][object_id])
        box = [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]
        self._post("prompts", {"frame": frame, "object_id": object_id, "box": box})
        self.given.add((frame, object_id))
        self.effort.boxes += 1

    def _correct(self, frame: int, object_id: int, mask: np.ndarray | None) -> None:
        truth = self.truth[frame][object_id]
        mask = np.zeros_like(truth) if mask is None else mask
        for _ in range(CLICKS_A_FRAME):
            click = error_click(truth, mask)
            if click is None or (jaccard(mask, truth) >= GOOD):
                break
            point = {"x": click.x + 0.5, "y": click.y + 0.5, "positive": bool(click.label)}
            answer = self._post("prompts", {"frame": frame, "object_id": object_id, "points": [point]})
            shown = {one["object_id"]: one for one in answer["masks"]["objects"]}
            mask = rle.decode(shown[object_id]["rle"])
            self.effort.clicks += 1
        if jaccard(mask, truth) < GOOD - 0.1:
            self._post("brush", {"frame": frame, "object_id": object_id, "rle": rle.encode(truth)})
            self.effort.paints += 1
        self.given.add((frame, object_id))
        self._propagate([object_id], frame, "both", "prompt")

    def _worst(self, masks: list[dict[int, np.ndarray]]) -> tuple[int, int] | None:
        """Frame and object with the most wrong pixels, of those that were not given yet."""
        wrong = {
            (frame, object_id): int((truth ^ masks[frame].get(object_id, np.zeros_like(truth))).sum())
            for frame, objects in enumerate(self.truth)
            for object_id, truth in objects.items()
            if (frame, object_id) not in self.given
        }
        worst = max(wrong, key=lambda place: wrong[place], default=None)
        return worst if worst is not None and wrong[worst] else None

    def _score(self, masks: list[dict[int, np.ndarray]]) -> float:
        """Mean J&F in percent over all objects and frames."""
        scores = []
        for frame, objects in enumerate(self.truth):
            for object_id, truth in objects.items():
                mask = masks[frame].get(object_id, np.zeros_like(truth))
                scores.append((jaccard(mask, truth) + boundary_f(mask, truth)) / 2)
        return 100 * float(np.mean(scores))

    def _masks(self) -> list[dict[int, np.ndarray]]:
        shown: list[dict[int, np.ndarray]] = []
        for start in range(0, len(self.truth), 64):
            stop = min(start + 64, len(self.truth))
            for entry in self.client.get(f"{self.address}/masks?start={start}&stop={stop}").json():
                shown.append({one["object_id"]: rle.decode(one["rle"]) for one in entry["objects"]})
        return shown

    def _propagate(self, objects: list[int], frame: int, direction: str, until: str) -> None:
        body = {"frame": frame, "objects": objects, "direction": direction, "until": until}
        began = time.perf_counter()
        run = self._post("propagate", body)
        while run["state"] == "running":
            time.sleep(0.05)
            run = {item["event_id"]: item for item in self.client.get(f"{self.address}/runs").json()}[run["event_id"]]
        if run["state"] != "done":
            raise SystemExit(f"a propagation {run['state']}: {run['message']}")
        self.effort.machine_seconds += time.perf_counter() - began

    def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        answer = self.client.post(f"{self.address}/{what}", json=body)
        if answer.status_code >= 400:
            raise SystemExit(f"{what} {body}: {answer.text}")
        if what == "prompts":
            self.effort.machine_seconds += time.perf_counter() - began
        return dict(answer.json())


@contextmanager
def serving(folder: Path, weights: str) -> Iterator[TestClient]:
    """The app on a folder, its weights loaded."""
    app = create_app(AppSettings(folder=folder, weights=weights))
    with TestClient(app, base_url="http://127.0.0.1:8123", headers={"X-Tab": "person", "X-User": "Person"}) as client:
        while not (state := client.get("/api/server").json())["ready"]:
            if state["problem"]:
                raise SystemExit(state["problem"])
            time.sleep(0.1)
        yield client


def teach(client: TestClient, video_id: str, minutes: float) -> dict[str, Any]:
    """Teach on one video and take the weights where they are better; returns what was measured."""
    answer = client.post("/api/teaching", json={"minutes": minutes, "videos": [video_id]})
    if answer.status_code >= 400:
        raise SystemExit(f"teaching: {answer.text}")
    while (state := client.get("/api/teaching").json())["task"]["state"] == "running":
        time.sleep(1)
    if state["task"]["state"] != "done":
        raise SystemExit(f"teaching {state['task']['state']}: {state['task']['message']}")
    taught = state["taught"][-1]
    if taught["better"]:
        client.post("/api/teaching/use", json={"number": taught["number"]}).raise_for_status()
        while not client.get("/api/server").json()["ready"]:
            time.sleep(0.1)
    return dict(taught)


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Label with the weights as they are; with a clip to learn from, label that, teach, and label again."""
    path, truth = read_clip(arguments.clip, arguments.frames, folder)
    results: dict[str, Any] = {}
    with serving(folder, arguments.weights) as client:
        results["without teaching"] = Annotator(client, path.name, truth).label(arguments.goal).summary()
        if arguments.learn_from:
            other, other_truth = read_clip(arguments.learn_from, arguments.frames, folder)
            teacher = Annotator(client, other.name, other_truth)
            results["the clip that is learned from"] = teacher.label(arguments.goal).summary()
            teacher.accept()
            taught = teach(client, teacher.video_id, arguments.minutes)
            results["teaching"] = {name: taught[name] for name in ("better", "chosen", "minutes", "scores")}
            again = folder / f"again-{path.name}"
            shutil.copy(path, again)
            results["with teaching"] = Annotator(client, again.name, truth).label(arguments.goal).summary()
    masks = sum(mask.any() for objects in truth for mask in objects.values())
    results["drawing every frame"] = {"masks": int(masks), "person (s)": round(SECONDS["paint"] * masks)}
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", help="drawn:SEED, or a folder with frames/ and masks/")
    parser.add_argument("--learn-from", help="another clip of the kind")
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--goal", type=float, default=90.0)
    parser.add_argument("--minutes", type=float, default=5.0, help="of teaching")
    parser.add_argument("--weights", default="micro")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.learn_from and arguments.frames <= 2 * LEAST_FRAMES:
        parser.error(f"--frames {arguments.frames}: with --learn-from more than {2 * LEAST_FRAMES} are needed")
    with tempfile.TemporaryDirectory() as folder:
        results = run(arguments, Path(folder))
    results["machine"] = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(json.dumps(results, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
