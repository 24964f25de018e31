"""Events of the video: fit the thresholds of `sam2s.quality` on drawn scenes, and count what is found on others.

    python benchmarks/video_events.py fit                     # seeds 0-15: prints the thresholds and how well they do
    python benchmarks/video_events.py figures                 # seeds 1000-1015: precision and recall by frame and span
    python benchmarks/video_events.py videos clip.mp4 frames/ # what is found in videos without any labels
    python benchmarks/video_events.py spliced in.mp4 out/frames ...  # the first, 40 frames of another, the first again

Each scene of 256x256 pixels holds every kind of event, is encoded as H.264 and read back. Statistics of frames are kept
in `--cache`, so that a second run draws nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation

from sam2s.device import use_threads
from sam2s.quality import CutDetector, EventThresholds, find_events
from sam2s.quality.cautious_search import CAUTIOUS, find_outside, median_of_video
from sam2s.quality.event_detector import classify_frames
from sam2s.quality.frame_statistics import FrameStatistics, StatisticsMeter, sample_picture
from sam2s.synth.video_events import EventScene, plan_events
from sam2s.video import ArraySource, VideoWriter, open_source
from sam2s.video.event_kind import EventKind

KINDS = ("laparoscopy", "colonoscopy", "robotic", "microscope")
LENGTH = 480
SPANS, GAP = (16, 32), 25
SPANNING = [str(kind) for kind in EventKind if kind is not EventKind.CUT]
FIT, HELD_OUT = range(12), range(1000, 1012)


FIRST_GUESS = EventThresholds(
    pattern_flat=0.7,
    frozen_change=1.5,
    outside_cool=0.2,
    outside_tissue=0.3,
    outside_usual=0.3,
    outside_contrast=0.4,
    blood_share=0.35,
    blood_contrast=0.8,
    wash_turmoil=0.15,
    blur_sharpness=0.5,
    blur_contrast=0.8,
)
"""Where the search begins, written by hand after a look at the statistics of two scenes."""

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw_scene(seed: int) -> EventScene:
    """The scene of a seed, with every kind of event."""
    events = plan_events(seed, LENGTH, spans=SPANS, gap=GAP)
    return EventScene(seed, 256, LENGTH, kind=KINDS[seed % len(KINDS)], drift=0.0, events=events)


def measured(seed: int, cache: Path) -> Scene:
    """Statistics float [T, 12] of a scene's frames, their kinds [T] ("" without an event), and on which frames [2, T] a
    cut is true, and found."""
    path = cache / f"seed-{seed}.npz"
    if not path.exists():
        scene = draw_scene(seed)
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / "video.mp4"
            with VideoWriter(video, (256, 256), 25, crf=20 + seed % 3 * 4) as writer:
                for t in range(LENGTH):
                    writer.write(scene.render(t)[0])
            with open_source(str(video)) as source:
                meter, detector, found = StatisticsMeter(), CutDetector(), np.zeros(LENGTH, bool)
                rows = np.zeros((LENGTH, len(FrameStatistics._fields)))
                for t, frame in enumerate(source.frames()):
                    rows[t], found[t] = meter.step(frame.image), detector.step(sample_picture(frame.image))
        kinds = np.full(LENGTH, "", dtype="<U16")
        for event in scene.events:
            if event.kind is not EventKind.CUT:
                kinds[event.start : event.stop] = event.kind
        cuts = np.zeros(LENGTH, bool)
        cuts[[start for start, _ in scene.true_spans(EventKind.CUT)]] = True
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, rows=rows, kinds=kinds, cuts=np.stack([cuts, found]))
    with np.load(path) as data:
        return data["rows"], data["kinds"], data["cuts"]


class Counts:
    """Frames and spans of one kind that are true, found, or both."""

    def __init__(self) -> None:
        self.frames = np.zeros(3, int)
        self.spans = np.zeros(4, int)

    def add(self, true: np.ndarray, found: np.ndarray) -> None:
        """Count two bool arrays [T] of one scene; a span counts if half of it, or of the other, is shared."""
        self.frames += [(true & found).sum(), true.sum(), found.sum()]
        self.spans += [
            sum(found[a:b].mean() >= 0.5 for a, b in runs(true)),
            len(runs(true)),
            sum(true[a:b].mean() >= 0.5 for a, b in runs(found)),
            len(runs(found)),
        ]

    def row(self) -> list[float]:
        """Precision and recall by frame, precision and recall by span."""
        both, true, found = self.frames
        hit, spans, right, reported = self.spans
        return [n / d if d else float("nan") for n, d in ((both, found), (both, true), (right, reported), (hit, spans))]

    @property
    def f1(self) -> float:
        """By frame."""
        both, true, found = self.frames
        return 2 * both / max(true + found, 1)


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Spans (start, stop) in which a bool array [T] is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def count(scenes: list[Scene], limits: EventThresholds) -> dict[str, Counts]:
    """What is found of each kind in scenes that were measured."""
    counts = {kind: Counts() for kind in SPANNING}
    for rows, kinds, _ in scenes:
        found = classify_frames(rows, limits)
        for kind, counter in counts.items():
            counter.add(kinds == kind, found == kind)
    return counts


def fit(scenes: list[Scene]) -> EventThresholds:
    """Thresholds one after another, each of those tried that makes the mean F1 by frame largest, in two rounds."""
    limits = FIRST_GUESS
    best = np.mean([counter.f1 for counter in count(scenes, limits).values()])
    for _ in range(2):
        for field in fields(EventThresholds):
            value = getattr(limits, field.name)
            for factor in (0.5, 0.7, 0.85, 1.18, 1.4, 2.0):
                trial = replace(limits, **{field.name: float(f"{value * factor:.2g}")})
                score = np.mean([counter.f1 for counter in count(scenes, trial).values()])
                if score > best + 1e-3:
                    best, limits = score, trial
            print(f"{field.name:<18} {getattr(limits, field.name):<8g} mean F1 {best:.3f}", flush=True)
    return limits


def show(counts: dict[str, Counts]) -> None:
    """Print a table of precision and recall."""
    print(f"{'event':<14} {'frames':>7} {'precision':>9} {'recall':>7}   {'spans':>5} {'precision':>9} {'recall':>7}")
    for kind, counter in counts.items():
        a, b, c, d = counter.row()
        print(f"{kind:<14} {counter.frames[1]:>7} {a:>9.3f} {b:>7.3f}   {counter.spans[1]:>5} {c:>9.3f} {d:>7.3f}")


def show_cuts(scenes: list[Scene], seeds: range) -> None:
    """Print how many cuts were found, to two frames: edges of replaced pictures, and jumps of the camera on its own."""
    jumps = [[t for t in draw_scene(seed).jumps if t < LENGTH] for seed in seeds]
    counts = np.zeros((3, 2), int)
    for (_, _, (drawn, found)), at in zip(scenes, jumps, strict=True):
        near = binary_dilation(found, iterations=2)
        jumping = np.isin(np.arange(LENGTH), at)
        counts += [
            [(found & binary_dilation(drawn, iterations=2)).sum(), found.sum()],
            [(near & drawn & ~jumping).sum(), (drawn & ~jumping).sum()],
            [(near & drawn & jumping).sum(), (drawn & jumping).sum()],
        ]
    (right, all_), edges, moved = counts.tolist()
    print(f"cuts: {right} of {all_} found are true; found are {edges[0]} of {edges[1]} edges of replaced pictures and")
    print(f"{moved[0]} of {moved[1]} jumps of the camera within a scene, many of which show nearly the same")


def show_hidden(scenes: list[Scene]) -> None:
    """Print what the cautious search of `sam2s redact` would hide, without a margin and with half a second."""
    for margin in (0, 12):
        frames = np.zeros(4, int)
        for rows, kinds, _ in scenes:
            outside = kinds == "out_of_body"
            hidden = classify_frames(rows, CAUTIOUS, usual=median_of_video(rows)) == "out_of_body"
            hidden = binary_dilation(hidden, iterations=margin) if margin else hidden
            frames += [(hidden & outside).sum(), outside.sum(), (hidden & ~outside).sum(), (~outside).sum()]
        print(
            f"redact, margin {margin / 25:.2f} s: {frames[0] / frames[1]:.3f} of the frames outside hidden, and "
            f"{frames[2] / frames[3]:.3f} of the others"
        )


def splice(inside: str, outside: list[str]) -> None:
    """Print what is found in a video behind which 40 frames of another come, and then its own first 40 again."""
    with closing(open_source(inside)) as source:
        frames, size = [frame.image for frame in source.frames()], source.size[::-1]
    for other in outside:
        with closing(open_source(other)) as source:
            between = [np.asarray(Image.fromarray(f.image).resize(size)) for f in source.frames(0, 40)]
        spliced = ArraySource(np.stack([*frames, *between, *frames[:40]]), fps=25)
        found = (f"{span.kind} {span.start}-{span.stop - 1}" for span in find_events(spliced))
        hidden = (f"{span.start}-{span.stop - 1}" for span in find_outside(spliced))
        edges = len(frames), len(frames) + len(between)
        print(
            f"{other}: {edges[0]}-{edges[1] - 1}; found {', '.join(found)}; redact hides {', '.join(hidden)}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["fit", "figures", "videos", "spliced"])
    parser.add_argument("videos", nargs="*")
    parser.add_argument("--cache", type=Path, default=Path("runs/video-events"))
    args = parser.parse_args()
    use_threads(macs=0)
    if args.what == "videos":
        for video in args.videos:
            with closing(open_source(video)) as source:
                spans = find_events(source)
            print(video, *(f"{span.kind} {span.start}-{span.stop - 1}" for span in spans), sep="\n  ")
        return
    if args.what == "spliced":
        splice(args.videos[0], args.videos[1:])
        return
    seeds = FIT if args.what == "fit" else HELD_OUT
    scenes = [measured(seed, args.cache) for seed in seeds]
    limits = fit(scenes) if args.what == "fit" else EventThresholds()
    if args.what == "fit":
        print(limits)
    show(count(scenes, limits))
    show_cuts(scenes, seeds)
    show_hidden(scenes)


if __name__ == "__main__":
    main()
