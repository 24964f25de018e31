"""What `sam2s score` tells, in words and as plain values."""

import numpy as np
import pytest

from sam2s.evaluation.compare import MaskComparison
from sam2s.evaluation.report import as_json, footer, remarks, rows
from sam2s.evaluation.rules import CountedSpan, Rules
from sam2s.evaluation.sequence import FrameScore, ObjectScore


def score(video="a/v", object_id=1, j=(1.0, 0.5), subset="a", gt=True, pred=True):
    frames = tuple(FrameScore(x, x / 2, gt, pred, object_id) for x in j)
    return ObjectScore(video, object_id, tuple(map(str, range(len(j)))), frames, subset)


@pytest.fixture
def comparison():
    scores = [score(), score(object_id=2, j=(0.0,)), score("b/w", j=(1.0,), subset="b"), score("b/w", 2, (), "b")]
    return MaskComparison(scores, Rules())


def test_lines_by_subset_video_and_object(comparison):
    assert [(name, mean.j) for name, mean in rows(comparison, "subset")] == [("a", 0.375), ("b", 1)]
    assert [(name, mean.objects) for name, mean in rows(comparison, "video")] == [("a/v", 2), ("b/w", 1)]
    by_object = rows(comparison, "object")
    assert [name for name, _ in by_object] == ["a/v:1", "a/v:2", "b/w:1", "b/w:2"]
    assert np.isnan(by_object[-1][1].j)
    assert [(name, round(mean.j, 4)) for name, mean in footer(comparison)] == [
        ("all objects", 0.5833),
        ("average of subsets", 0.6875),
    ]
    assert [name for name, _ in footer(MaskComparison([score()], Rules()))] == ["all objects"]
    assert rows(MaskComparison([score(subset="")], Rules()), "subset")[0][0] == "(all)"


def test_remarks_say_what_was_counted(comparison):
    assert remarks(comparison) == [
        "Counted: each object's span (first appearance to end), without its first and last annotated frames.",
        "Not counted: 1 objects of which the rules leave no frame; --all-frames counts their first and last ones too.",
    ]
    other = MaskComparison(
        [score()],
        Rules(CountedSpan.VIDEO, skip_first_last=False),
        missing_videos=["c"],
        missing_masks={"a": 2, "b": 1},
        extra_videos=["d", "e"],
        extra_objects={f"v{n}": [7, 9] for n in range(7)},
        partial={"EV": "1 of 2 videos"},
    )
    lines = remarks(other)
    assert lines[:4] == [
        "Counted: each video, with all its annotated frames.",
        "Counted as predicted empty: 1 missing videos.",
        "Counted as predicted empty: 3 missing masks in 2 videos.",
        "Not counted: 2 predicted videos that the truth lacks.",
    ]
    assert lines[4] == "Not counted: predicted objects 7, 9 of v0, which the truth lacks."
    assert lines[9:] == [
        "Not counted: such objects in 2 more videos (see --json).",
        "† Only a part of EV is built: 1 of 2 videos. Its score is not that of the benchmark.",
    ]


def test_plain_values_are_in_percent(comparison):
    data = as_json(comparison, per_frame=True)
    assert data["all"]["j"] == pytest.approx(100 * (0.75 + 0 + 1) / 3)
    assert data["all"]["jf"] == pytest.approx(75 * (0.75 + 0 + 1) / 3)
    assert data["macro_average"]["j"] == pytest.approx(68.75)
    first, *_, last = data["objects"]
    assert (first["video"], first["object"], first["frame_j"], first["frame_f"]) == ("a/v", 1, [100, 50], [50, 25])
    assert (last["j"], last["frames"], last["frame"]) == (None, 0, [])
    assert data["uncounted_objects"] == ["b/w:2"]
    assert "frame_j" not in as_json(comparison)["objects"][0]


def test_wrong_claims_are_counted_of_all_frames():
    scores = [score(j=(1.0,) * 6), score(object_id=2, j=(0.0,) * 3, gt=False), score(object_id=3, j=(0.0,), pred=False)]
    scores.append(score(object_id=4, j=(1.0,), gt=False, pred=False))
    data = as_json(MaskComparison(scores, Rules()))["all"]
    assert (data["absent_frames"], data["false_masks"]) == (4, 75)
    assert data["presence_precision"] == pytest.approx(100 * 6 / 9)
    assert data["presence_recall"] == pytest.approx(100 * 6 / 7)
