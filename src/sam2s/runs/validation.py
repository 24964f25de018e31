"""Validation while training: held-out videos are tracked with the weights as they stand, and scored.

Training calls this through the `Validator` that `make_validator` gives it, because it may not import evaluation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from sam2s.errors import ConfigError, DatasetError
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.protocols import track
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.sequence import ObjectScore, assemble, score_frame, to_regions
from sam2s.evaluation.videos import EvalVideo
from sam2s.memory import MemoryPolicy
from sam2s.model import SAM2S
from sam2s.training.data import SourceSettings, held_out_entries, training_entries
from sam2s.training.data.video import TrainingVideo
from sam2s.training.recipe import Recipe
from sam2s.training.validation import SCORE, Scores, Validator
from sam2s.video.frame import Frame, VideoSource


def make_validator(recipe: Recipe, report_progress: Callable[[str], None] = print) -> Validator | None:
    """Make what measures weights as a recipe's `validation` asks for.

    Args:
        recipe: says where the held-out videos are, and how objects are pointed at.
        report_progress: told what is held out, or that nothing is.

    Returns:
        The validator, or None where the recipe wants none or its sources have no part to validate on.

    Raises:
        ConfigError: a place does not exist, a prompt is unknown, or a held-out video is trained on.
        DatasetError: a place holds no video.
    """
    settings = recipe.validation
    if not settings.every:
        return None
    prompts = [_prompting(name) for name in settings.prompts]
    videos = held_out_videos(recipe)
    if not videos:
        report_progress(
            f"nothing is validated: the data have no part {settings.split}; name held-out videos with --val FOLDER, "
            "or hold out the end of each with --hold-out 0.2"
        )
        return None
    report_progress(f"validating every {settings.every} steps on {', '.join(video.name for video in videos)}")
    return lambda network: measure(network, videos, prompts)


def measure(network: SAM2S, videos: Sequence[EvalVideo], prompts: Sequence[Prompting]) -> Scores:
    """Track videos under each protocol: J&F by prompt, their mean, and false masks.

    Returns:
        `val_jf` and `val_jf_PROMPT` in percent, objects counting alike; `val_false_masks`, the share of frames without
        the object that got a mask, where there are such frames.
    """
    scores: dict[Prompting, list[ObjectScore]] = defaultdict(list)
    for video in videos:
        for prompt in prompts:
            scores[prompt] += _score(network, video, prompt)
    means = {prompt: 100 * float(np.nanmean([score.mean_jf for score in scores[prompt]])) for prompt in prompts}
    absent = [each for of in scores.values() for score in of for each in score.frame_scores if not each.in_gt]
    named = {f"{SCORE}_{prompt}": value for prompt, value in means.items()}
    false = {"val_false_masks": 100 * float(np.mean([each.in_pred for each in absent]))} if absent else {}
    return {SCORE: float(np.mean(list(means.values()))), **named, **false}


def held_out_videos(recipe: Recipe) -> list[EvalVideo]:
    """The videos that a recipe validates on, none where its sources have no such part.

    Raises:
        ConfigError: a place does not exist, or a held-out video is trained on.
        DatasetError: a named place holds no video.
    """
    settings = recipe.validation
    sources = [source for source in recipe.data.sources if source.needs == (source.place,)]
    if settings.places:
        videos = _named_videos(recipe, sources)
    else:
        entries = [entry for source in sources for entry in held_out_entries(source, settings.split)]
        videos = [HeldOutVideo(entry.read(), settings.frames) for entry in entries]
    shown = [video for video in videos if video.objects]
    if videos and not shown:
        raise DatasetError("no held-out video shows an object; look at them with sam2s data check")
    chosen = sorted({round(i) for i in np.linspace(0, len(shown) - 1, min(settings.videos, len(shown)))})
    return [shown[i] for i in chosen]


def _named_videos(recipe: Recipe, sources: Sequence[SourceSettings]) -> list[EvalVideo]:
    """Videos of the places that a recipe names to validate on."""
    settings = recipe.validation
    trained = {(_resolved(source), entry.name) for source in sources for entry in training_entries(source)}
    videos: list[EvalVideo] = []
    for place in settings.places:
        if place.startswith("synthetic:"):
            videos += open_videos([place])
            continue
        folder = SourceSettings(place=place, split=settings.split)
        entries = [entry for entry in training_entries(folder) if entry.frames > 1]
        shared = [entry.name for entry in entries if (_resolved(folder), entry.name) in trained]
        if shared:
            raise ConfigError(
                f"{place}: {', '.join(shared[:3])} would be trained on and validated on; hold out other videos, or the "
                "end of each with --hold-out 0.2"
            )
        videos += [HeldOutVideo(entry.read(), settings.frames) for entry in entries]
    return videos


class HeldOutVideo:
    """The annotated frames of a training video, from the first that shows an object, as evaluation wants them.

    Args:
        video: where from.
        most: frames at most.
    """

    def __init__(self, video: TrainingVideo, most: int) -> None:
        self.video, self.most = video, most

    @property
    def name(self) -> str:
        """Name of the video."""
        return self.video.name

    @cached_property
    def frames(self) -> list[int]:
        """Numbers of the frames that are taken."""
        numbers = list(self.video.frames)
        first = next((i for i, number in enumerate(numbers) if self.video.cover(number)), len(numbers))
        return numbers[first : first + self.most]

    @cached_property
    def objects(self) -> Mapping[int, str]:
        """Ids of the objects that are seen on these frames, all in one column."""
        return dict.fromkeys(sorted({i for number in self.frames for i in self.video.cover(number)}), "val")

    @property
    def categories(self) -> Mapping[int, str]:
        """What the objects are, where somebody said."""
        return {i: name for i in self.objects if (name := self.video.category(i)) is not None}

    @property
    def source(self) -> VideoSource:
        """The frames, counted from 0."""
        return _AnnotatedFrames(self.video, self.frames)

    @property
    def stems(self) -> tuple[str, ...]:
        """Names of the frames."""
        return tuple(str(number) for number in self.frames)

    @property
    def columns(self) -> frozenset[str]:
        """The one column of all objects."""
        return frozenset({"val"})

    @property
    def fingerprint(self) -> str:
        """Of no use here: nothing is kept from one validation to the next."""
        return self.name

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """Masks bool [H, W] of the objects that somebody looked for on a frame."""
        return self.video.masks(self.frames[frame], list(self.objects))

    def void(self, frame: int) -> np.ndarray | None:
        """Training data have no undecided pixels: what is not known of an object is not known of a whole frame."""
        return None


@dataclass
class _AnnotatedFrames:
    """Some frames of a training video as a source; each is read when it is asked for."""

    video: TrainingVideo
    numbers: Sequence[int]

    def __post_init__(self) -> None:
        self.name = self.video.name
        self.fps: Fraction | None = None
        self.pixel_aspect = Fraction(1)
        self.seekable = True
        height, width = self.video.images(self.numbers[:1])[0].shape[:2]
        self.size = height, width

    @property
    def length(self) -> int:
        return len(self.numbers)

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        for index in range(start, self.length if stop is None else min(stop, self.length), step):
            yield self.frame(index)

    def frame(self, index: int) -> Frame:
        return Frame(self.video.images([self.numbers[index]])[0], index)

    def fingerprint(self) -> str:
        return self.name

    def close(self) -> None:
        """There is nothing open."""


def _score(network: SAM2S, video: EvalVideo, prompt: Prompting) -> list[ObjectScore]:
    """Scores of all objects of a video under one protocol."""
    frame_scores, annotated = [], defaultdict(set)
    for result in track(network, MemoryPolicy(), video, prompt):
        truth = video.truth(result.index)
        masks = {i: result.objects[i].mask for i in truth.keys() & result.objects.keys()}
        shape = next((mask.shape for mask in truth.values()), (1, 1))
        frame_scores.append(score_frame(to_regions(masks), to_regions(truth), shape))
        for object_id in truth:
            annotated[object_id].add(video.stems[result.index])
    return assemble(video.name, video.stems, frame_scores, annotated=annotated)


def _resolved(source: SourceSettings) -> Path:
    return Path(source.place).expanduser().resolve()


def _prompting(name: str) -> Prompting:
    try:
        prompt = Prompting(name)
    except ValueError:
        prompt = None
    if prompt is None or prompt.interactive:
        allowed = ", ".join(each for each in Prompting if not each.interactive)
        raise ConfigError(f"validation.prompts names {name!r}; choose from {allowed}")
    return prompt
