"""What judging masks costs beside tracking them: processor time by frame, one thread.

python benchmarks/quality_cost.py [WEIGHTS] [FRAMES]
"""

from __future__ import annotations

import sys
import time
import warnings

import torch

import sam2s
from sam2s.evaluation.quality_fit import drawn_videos
from sam2s.quality import PromptWarning, QualityMonitor, prompt_agreement
from sam2s.tracking import Points, Tracker
from sam2s.tracking.preprocess import convert_prompt

WARM_UP = 4


def main(weights: str = "micro", frames: str = "16") -> None:
    """Track the objects of one drawn video, and print milliseconds of both by frame."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", PromptWarning)
    network = sam2s.load(weights)
    video = drawn_videos(1, int(frames), 10)[0]
    tracker, monitor = Tracker(network), QualityMonitor(network)
    for object_id in video.objects:
        rows, columns = video.truth(0)[object_id].nonzero()
        middle = len(rows) // 2
        tracker.add_prompt(object_id=object_id, prompt=Points([(int(columns[middle]), int(rows[middle]))]))
    tracking = judging = 0.0
    for frame in video.source.frames():
        began = time.process_time()
        result = tracker.step(frame)
        tracked = time.process_time()
        features = tracker.context(frame, tracker.time).features
        monitor.observe(frame, result, features)
        if frame.index >= WARM_UP:
            tracking, judging = tracking + tracked - began, judging + time.process_time() - tracked
    count = int(frames) - WARM_UP
    began = time.process_time()
    prompt_agreement(network, features, convert_prompt(Points([(100, 100)]), video.source.size, network.image_size))
    checking = time.process_time() - began
    cost = f"judging {1000 * judging / count:.1f} ms ({judging / tracking:.1%})"
    print(f"{weights}, {len(video.objects)} objects, by frame: tracking {1000 * tracking / count:.1f} ms, {cost};")
    print(f"check of a first prompt: {1000 * checking:.0f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
