"""What `sam2s score` tells: a JSON document and a table. All measures are in percent, as in papers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from sam2s.evaluation.absence import add_presence, presence
from sam2s.evaluation.compare import MaskComparison
from sam2s.evaluation.diagnostics import decay_curve, identity_switches
from sam2s.evaluation.sequence import ObjectScore
from sam2s.evaluation.summary import Mean, by_subset, by_video, macro_average, pool

Row = tuple[str, Mean]


def as_json(comparison: MaskComparison, *, per_frame: bool = False) -> dict[str, Any]:
    """The whole comparison as plain values; with `per_frame` also J and F of every counted frame."""
    subsets = by_subset(comparison.scores)
    return {
        "rules": comparison.rules.as_dict(),
        "all": _mean(pool(comparison.scores)) | _extras(comparison.scores),
        "macro_average": _mean(macro_average(subsets.values())),
        "subsets": {name: _mean(mean) for name, mean in subsets.items()},
        "videos": {name: _mean(mean) for name, mean in by_video(comparison.scores).items()},
        "objects": [_object(score, per_frame) for score in comparison.scores],
        "over_time": [_percent(value) for value in decay_curve(comparison.scores)],
        "missing_videos": comparison.missing_videos,
        "missing_masks": comparison.missing_masks,
        "extra_videos": comparison.extra_videos,
        "extra_objects": comparison.extra_objects,
        "partial": comparison.partial,
        "uncounted_objects": [f"{score.video}:{score.object_id}" for score in comparison.uncounted],
    }


def rows(comparison: MaskComparison, by: str) -> list[Row]:
    """Lines of the table: one each `subset`, `video` or `object`."""
    if by == "subset":
        return [(name or "(all)", mean) for name, mean in by_subset(comparison.scores).items()]
    if by == "video":
        return list(by_video(comparison.scores).items())
    return [(f"{score.video}:{score.object_id}", pool([score])) for score in comparison.scores]


def footer(comparison: MaskComparison) -> list[Row]:
    """Last lines of the table: all objects pooled and, where there are several subsets, their plain average."""
    subsets = by_subset(comparison.scores)
    average = [("average of subsets", macro_average(subsets.values()))] if len(subsets) > 1 else []
    return [("all objects", pool(comparison.scores)), *average]


def remarks(comparison: MaskComparison) -> list[str]:
    """Sentences on what was counted in which way, for a person."""
    rules = comparison.rules
    span = "each object's span (first appearance to end)" if rules.span == "object" else "each video"
    which = "without its first and last" if rules.skip_first_last else "with all its"
    lines = [f"Counted: {span}, {which} annotated frames."]
    if comparison.missing_videos:
        lines.append(f"Counted as predicted empty: {len(comparison.missing_videos)} missing videos.")
    if comparison.missing_masks:
        number, videos = sum(comparison.missing_masks.values()), len(comparison.missing_masks)
        lines.append(f"Counted as predicted empty: {number} missing masks in {videos} videos.")
    if comparison.extra_videos:
        lines.append(f"Not counted: {len(comparison.extra_videos)} predicted videos that the truth lacks.")
    for video, ids in list(comparison.extra_objects.items())[:5]:
        lines.append(f"Not counted: predicted objects {', '.join(map(str, ids))} of {video}, which the truth lacks.")
    if len(comparison.extra_objects) > 5:
        lines.append(f"Not counted: such objects in {len(comparison.extra_objects) - 5} more videos (see --json).")
    if comparison.uncounted:
        again = "; --all-frames counts their first and last ones too" if rules.skip_first_last else ""
        lines.append(f"Not counted: {len(comparison.uncounted)} objects of which the rules leave no frame{again}.")
    for name, missing in comparison.partial.items():
        lines.append(f"† Only a part of {name} is built: {missing}. Its score is not that of the benchmark.")
    return lines


def _mean(mean: Mean) -> dict[str, Any]:
    return {"jf": _percent(mean.jf), "j": _percent(mean.j), "f": _percent(mean.f), "objects": mean.objects}


def _extras(scores: Iterable[ObjectScore]) -> dict[str, Any]:
    scores = list(scores)
    counts = add_presence([presence(score.frame_scores) for score in scores])
    return {
        "identity_switches": sum(identity_switches(score.object_id, score.frame_scores) for score in scores),
        "presence_precision": _percent(counts.precision),
        "presence_recall": _percent(counts.recall),
        "absent_frames": counts.absent,
        "false_masks": _percent(counts.false_positive_rate),
    }


def _object(score: ObjectScore, per_frame: bool) -> dict[str, Any]:
    entry = {"video": score.video, "object": score.object_id, "subset": score.subset, "frames": len(score.frame_scores)}
    entry |= {key: value for key, value in _mean(pool([score])).items() if key != "objects"} | _extras([score])
    if per_frame:
        entry |= {"frame": list(score.frames), "frame_j": (score.j * 100).tolist(), "frame_f": (score.f * 100).tolist()}
    return entry


def _percent(value: float) -> float | None:
    return None if math.isnan(value) else float(value) * 100
