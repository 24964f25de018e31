"""Adds up the result files of a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.evaluation.absence import (
    Reentry,
    add_presence,
    count_claims,
    group_reentries,
    presence,
    reentries,
)
from sam2s.evaluation.diagnostics import (
    clicks_needed,
    identity_switches,
    mean_by_click,
    reliability,
    same_name,
)
from sam2s.evaluation.outcome import ClickStatistics, Diagnostics, EvalOutcome, NameAccuracy, Speed
from sam2s.evaluation.plan import EvalRun
from sam2s.evaluation.probe import ProbeCounts
from sam2s.evaluation.record import MemoryUse, ObjectClaim
from sam2s.evaluation.result_files import error_path, read_result, result_path
from sam2s.evaluation.rules import Rules
from sam2s.evaluation.sequence import FrameScore, ObjectScore, assemble
from sam2s.evaluation.videos import EvalVideo
from sam2s.quality.figures import BAD, QualityFigures, auroc, expected_calibration_error, false_alarms, quality_figures

ENOUGH = 0.85
"""J at which a person is taken to stop clicking."""


@dataclass(frozen=True)
class _VideoResult:
    """The result file of one video, and the scores of its objects."""

    name: str
    data: dict[str, Any]
    scores: list[ObjectScore]

    def claims(self, score: ObjectScore) -> list[ObjectClaim]:
        """What the tracker said of an object on each counted frame."""
        object_id = str(score.object_id)
        claims = dict(zip(self.data["annotated"][object_id], self.data["claims"][object_id], strict=True))
        return [ObjectClaim(*claims[name]) for name in score.frames]

    def reentries(self) -> list[Reentry]:
        """All returns of all objects."""
        index = dict(zip(self.data["names"], self.data["indices"], strict=True))
        return [r for score in self.scores for r in reentries(score, [index[name] for name in score.frames])]


def collect(out: Path, run: EvalRun, videos: Sequence[EvalVideo], rules: Rules) -> EvalOutcome:
    """Read the results of a run on these videos."""
    results: list[_VideoResult] = []
    missing: dict[str, str] = {}
    incomplete: set[str] = set()
    for video in videos:
        data = read_result(out, run, video)
        if data is None:
            path, failed = result_path(out, run, video.name), error_path(out, run, video.name)
            undone = "changed since it was done" if path.exists() else "not done yet"
            missing[video.name] = failed.read_text().strip() if failed.exists() else undone
            incomplete |= video.columns
        else:
            results.append(_VideoResult(video.name, data, _scores(video.name, data, rules)))
    documents = [result.data for result in results]
    return EvalOutcome(
        run,
        [score for result in results for score in result.scores],
        _speed(documents),
        _clicks(documents),
        _diagnose(results),
        missing,
        frozenset(incomplete),
        documents[-1]["image_size"] if documents else None,
        tuple(sorted({data["hardware"] for data in documents})),
        notes=_notes(results),
    )


def _notes(results: Iterable[_VideoResult]) -> dict[str, list[str]]:
    """Videos by what was decided in reading their masks."""
    videos: dict[str, list[str]] = {}
    for result in results:
        for note in result.data["notes"]:
            videos.setdefault(note, []).append(result.name)
    return videos


def _scores(name: str, data: Mapping[str, Any], rules: Rules) -> list[ObjectScore]:
    frames = [{int(key): FrameScore(*score) for key, score in frame.items()} for frame in data["frame_scores"]]
    annotated = {int(key): set(stems) for key, stems in data["annotated"].items()}
    scores = assemble(name, data["names"], frames, rules=rules, annotated=annotated)
    return [replace(score, subset=data["subsets"][str(score.object_id)]) for score in scores]


def _speed(documents: Sequence[Mapping[str, Any]]) -> Speed:
    latency = [milliseconds for data in documents for milliseconds in data["latency_ms"]]
    watched = [data for data in documents if data["frames_read"]]  # a tracker that reads no frame has no speed
    frames, seconds = sum(data["frames"] for data in watched), sum(data["seconds"] for data in watched)
    objects = sum(len(data["subsets"]) for data in documents)
    fps = 1000 * len(latency) / sum(latency) if sum(latency) else frames / seconds if seconds else math.nan
    p50, p95, p99 = np.percentile(latency, (50, 95, 99)).tolist() if latency else [math.nan] * 3
    return Speed(fps, p50, p95, p99, objects / len(documents) if documents else math.nan)


def _clicks(documents: Sequence[Mapping[str, Any]]) -> ClickStatistics:
    given = [clicks for data in documents for clicks in data["clicks"].values()]
    rows = [row for data in documents for i, row in data["first_frame_j"].items() if i in data["clicks"]]
    needed = [clicks_needed(row, ENOUGH) for row in rows]
    return ClickStatistics(_mean(given), _mean(needed), _mean([max(row) >= ENOUGH for row in rows]))


def _diagnose(results: Sequence[_VideoResult]) -> Diagnostics:
    scores = [score for result in results for score in result.scores]
    of_frames = [
        (frame, claim)
        for result in results
        for score in result.scores
        for frame, claim in zip(score.frame_scores, result.claims(score), strict=True)
    ]
    rated = [(claim.iou, frame.j) for frame, claim in of_frames if frame.in_pred and claim.iou is not None]
    predicted, actual = [iou for iou, _ in rated], [j for _, j in rated]
    states = [(frame.in_gt, claim.visible) for frame, claim in of_frames if claim.visible is not None]
    presences = [(claim.presence, frame.in_gt) for frame, claim in of_frames if claim.presence is not None]
    memory = [MemoryUse(**use) for result in results for use in result.data["memory"].values()]
    return Diagnostics(
        switches=sum(identity_switches(score.object_id, score.frame_scores) for score in scores),
        by_mask=add_presence([presence(score.frame_scores) for score in scores]),
        by_claim=count_claims(states) if states else None,
        calibration=100 * expected_calibration_error(predicted, actual),
        reliability=reliability(predicted, actual),
        names=_name_accuracy(results),
        first_frame=mean_by_click(row for result in results for row in result.data["first_frame_j"].values()),
        reentry=group_reentries(r for result in results for r in result.reentries()),
        memory=_add_memory(memory) if memory else None,
        probes=_add_probes(result.data["probes"] for result in results),
        quality=_quality([(claim, frame.j) for frame, claim in of_frames if claim.doubt is not None]),
        false_alarms=_false_alarms(results),
        presence_auroc=auroc(np.array([p for p, _ in presences]), np.array([shown for _, shown in presences], bool)),
    )


def _quality(judged: Sequence[tuple[ObjectClaim, float]]) -> QualityFigures | None:
    """Figures of masks that were judged, each with its J."""
    if not judged:
        return None
    true = np.array([j for _, j in judged])
    claims = [[getattr(claim, name) for claim, _ in judged] for name in ("iou", "expected_iou", "doubt")]
    predicted, expected, doubt = (np.array(values, float) for values in claims)
    return quality_figures(true, predicted, expected, doubt)


def _false_alarms(results: Sequence[_VideoResult]) -> float:
    """False alarms in 1000 frames of an object; frames are counted as they were annotated."""
    alarms, frames = 0, 0
    for result in results:
        for score in result.scores:
            claims = result.claims(score)
            raised = [place for place, claim in enumerate(claims) if claim.alarms]
            bad = [place for place, frame in enumerate(score.frame_scores) if frame.j < BAD]
            alarms += false_alarms(raised, bad)
            frames += sum(claim.doubt is not None for claim in claims)
    return 1000 * alarms / frames if frames else math.nan


def _name_accuracy(results: Iterable[_VideoResult]) -> NameAccuracy:
    parts: list[float] = []
    names: set[str] = set()
    objects = 0
    for result in results:
        known = result.data["known_categories"]
        for score in result.scores:
            name = result.data["categories"].get(str(score.object_id))
            if name is None or not any(same_name(name, other) for other in known):
                continue
            objects += 1
            names.add(name)
            claims = zip(score.frame_scores, result.claims(score), strict=True)
            given = [claim.category for frame, claim in claims if frame.in_gt and claim.category is not None]
            parts += [_mean([same_name(category, name) for category in given])] if given else []
    return NameAccuracy(_mean(parts), objects, len(names))


def _add_memory(uses: Sequence[MemoryUse]) -> MemoryUse:
    totals = {name: sum(use.as_dict()[name] for use in uses) for name in uses[0].as_dict()}
    return MemoryUse(**totals | {"places": max(use.places for use in uses)})


def _add_probes(probes: Iterable[Mapping[str, Any]]) -> dict[str, ProbeCounts]:
    by_name: dict[str, list[ProbeCounts]] = {}
    for of_video in probes:
        for name, counts in of_video.items():
            if isinstance(counts, dict):
                by_name.setdefault(name, []).append(ProbeCounts(**counts))
    return {
        name: ProbeCounts(
            sum(c.frames for c in counts),
            sum(c.masks for c in counts),
            None if any(c.visible is None for c in counts) else sum(c.visible or 0 for c in counts),
        )
        for name, counts in by_name.items()
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan
