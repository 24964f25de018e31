"""The ablation: its scenes, its statistics, and that it keeps what is done."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sam2s
from sam2s.errors import OutputError
from sam2s.evaluation.absence import add_presence, presence
from sam2s.evaluation.collect import collect
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.outcome import ClickStatistics, Diagnostics, EvalOutcome, NameAccuracy, Speed
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.protocols import InteractionLog, track
from sam2s.evaluation.rules import Prompting, Rules
from sam2s.evaluation.sequence import FrameScore, ObjectScore
from sam2s.memory import MemoryPolicy
from sam2s.sasv.fixtures.drawing import disc, picture, save
from sam2s.synth import Scene
from sam2s.training.recipe import load_recipe

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from ablation import benchmark, edge_error, keep, shows_both
from ablation import track as tracked_scenes
from ablation_table import MEASURES, PAIRED, REFERENCES, ROWS, Tracked, gains, measures, paired_gain, plot_gains, table
from lockstep import follow_together


def outcome(**by_video):
    """What came of scenes whose only object has J = F = the given value."""
    one = ObjectScore("", 1, ("0",), (FrameScore(1.0, 1.0, True, True, 1),))
    scores = [
        replace(one, video=video, frame_scores=(FrameScore(value, value, True, True, 1),))
        for video, value in by_video.items()
    ]
    diagnostics = Diagnostics(
        switches=0,
        by_mask=add_presence([presence(score.frame_scores) for score in scores]),
        by_claim=None,
        calibration=np.nan,
        reliability=[],
        names=NameAccuracy(np.nan, 0, 0),
        first_frame=[],
        reentry=[],
        memory=None,
    )
    run = EvalRun("sam2s", "sam2s", Prompting.MASK)
    clicks = ClickStatistics(np.nan, np.nan, np.nan)
    return EvalOutcome(run, scores, Speed(*5 * [np.nan]), clicks, diagnostics, {})


def tracked(**by_video):
    """The same as one training of a row."""
    return Tracked(outcome(**by_video), {video: outcome(**{video: value}) for video, value in by_video.items()}, 4.0)


def test_scenes_of_another_length_are_refused(tmp_path):
    for kind, pixels in (("frames", picture()), ("masks", disc(20, 20, 8))):
        save(tmp_path / f"reentry/000/{kind}/00000.png", pixels)
    with pytest.raises(OutputError, match="holds scenes of 1 frames, not 3; use --length 1, or another --out"):
        benchmark(tmp_path, 1, 3)


def test_scenes_show_both_tools_at_first_and_know_their_names(tmp_path, monkeypatch):
    videos = benchmark(tmp_path, 2, 3)
    for video in videos:
        first = video.truth(0)
        assert set(first) == {1, 2}
        assert all(mask.mean() >= 0.01 for mask in first.values())
        assert len(set(video.categories.values())) == 2
    monkeypatch.setattr("ablation.LEAST", 0.9)
    assert not shows_both(Scene(600_000, 128, 3, kind="reentry"))


def test_further_scenes_are_added_to_those_that_are_there(tmp_path):
    before = {video.name: video.fingerprint for video in benchmark(tmp_path, 2, 2)}
    after = {video.name: video.fingerprint for video in benchmark(tmp_path, 3, 2)}
    assert len(after) == 3
    assert before.items() <= after.items()
    assert [video.name for video in benchmark(tmp_path, 2, 2)] == list(before), "or fewer are taken"


def test_gains_are_paired_over_scenes_and_averaged_over_seeds_first():
    """Differences of 0, 10 and 20 points: mean 10, standard error 10 / sqrt(3), times 4.303 of Student's t."""
    reference = [tracked(a=0.5, b=0.2, c=0.2), tracked(a=0.5, b=0.4, c=0.4)]
    row = [tracked(a=0.5, b=0.4, c=0.5)]
    mean, half = paired_gain(row, reference)[PAIRED.index("J&F")]
    assert mean == pytest.approx(10)
    assert half == pytest.approx(4.302653 * 10 / np.sqrt(3), rel=1e-5)


def test_a_measure_that_scenes_lack_has_no_gain():
    row = [tracked(a=0.5, b=0.4)]
    assert np.isnan(paired_gain(row, row)[PAIRED.index("after returns")]).all()
    assert np.isnan(measures(row[0].outcome)[PAIRED.index("names right")])


def test_frames_without_the_object_do_not_count_where_it_is_shown():
    """An empty mask of an absent object is perfect and lifts J&F alone."""
    shown, absent = FrameScore(0.5, 0.7, True, True, 1), FrameScore(1.0, 1.0, False, False, None)
    whole = outcome(a=0.5)
    score = replace(whole.scores[0], frames=("0", "1"), frame_scores=(shown, absent))
    found = dict(zip(MEASURES, measures(replace(whole, scores=[score])), strict=True))
    assert found["shown"] == pytest.approx(60)
    assert found["J&F"] == pytest.approx(80)


def test_the_tables_say_what_each_row_is_compared_with():
    results = {
        ("none", 1): tracked(a=0.1, b=0.2),
        ("data", 1): tracked(a=0.3, b=0.4),
        ("data", 2): tracked(a=0.5, b=0.4),
    }
    assert [line.split(" | ")[:3] for line in table(results).splitlines()[2:]] == [
        ["| none", "1", "15.0"],
        ["| data", "2", "40.0"],
    ]
    (line,) = gains(results).splitlines()[2:]
    assert line.startswith("| data | none | +25.0 ± 63.5 |")


def test_gains_are_drawn_one_below_the_other(tmp_path):
    plot_gains({("none", 1): tracked(a=0.1, b=0.2), ("data", 1): tracked(a=0.3, b=0.4)}, tmp_path / "gains.svg")
    drawn = (tmp_path / "gains.svg").read_text()
    assert "over none" in drawn
    assert "after returns" in drawn


def test_videos_side_by_side_are_tracked_as_each_alone(tmp_path):
    """Batches round otherwise, so a pixel in a thousand may differ."""
    videos = benchmark(tmp_path, 2, 9)
    network = sam2s.load("micro", device="cpu", image_size=128)
    policy = MemoryPolicy(iou_threshold=0.3, candidates=2)
    for video, together in zip(videos, follow_together(network, policy, videos), strict=True):
        seen, log = [], InteractionLog()
        alone = track(
            network, policy, video, Prompting.MASK, on_memory=lambda banks, seen=seen: seen.append(held(banks))
        )
        for one, other in zip(alone, together.replay(network, policy, video, Prompting.MASK, 8, log), strict=True):
            assert one.index == other.index
            assert one.objects.keys() == other.objects.keys()
            for object_id, result in one.objects.items():
                found = other.objects[object_id]
                assert (result.mask != found.mask).mean() < 1e-3
                assert (found.iou, found.presence) == pytest.approx((result.iou, result.presence), abs=1e-3)
                assert found.state is result.state
                assert found.prompted == result.prompted
        assert list(map(held, together.banks)) == seen
        assert any(any(times) for times in seen[-1].values()), "the long-term memory is in use"
        assert log.first.keys() == video.truth(0).keys()


def held(banks):
    """Times of what the objects remember for long."""
    return {object_id: [entry.time for entry in bank.long_term] for object_id, bank in banks.items()}


def test_a_number_is_computed_once(tmp_path):
    numbers = iter([0.25, 0.5])
    assert [keep(tmp_path / "n.json", lambda: next(numbers)) for _ in range(2)] == [0.25, 0.25]


def test_rows_differ_as_they_say_and_all_see_the_same_absence():
    trained = {
        name: load_recipe("ablation/synthetic", row.changes) for name, row in ROWS.items() if row.changes is not None
    }
    assert {recipe.data.clips.absent for recipe in trained.values()} == {0.2}
    for name, recipe in trained.items():
        everything = name.startswith("all")
        assert (recipe.data.clips.divemem > 0) == ("DiveMem" in name or everything)
        assert (recipe.loss.tsl > 0) == ("TSL" in name or everything)
        assert recipe.loss.arl == everything
        assert (ROWS[name].memory == "divemem") == ("DiveMem" in name or everything)
    assert {*REFERENCES, *(over for rows in REFERENCES.values() for over in rows)} <= set(ROWS)


def test_errors_at_outlines_are_of_a_probability():
    assert 0 < edge_error("micro", scenes=1) < 100


def test_scenes_are_scored_as_an_evaluation_scores_them(tmp_path):
    videos = benchmark(tmp_path / "benchmark", 2, 4)
    (tmp_path / "edges.json").write_text("0")
    tracked = tracked_scenes("micro", "sam2", 0.5, videos, tmp_path)
    run, settings = EvalRun("alone", "sam2s", Prompting.MASK, "sam2"), EvalSettings(128, "cpu", "fp32", probe=False)
    evaluate(videos, [run], settings, tmp_path)
    alone = collect(tmp_path, run, videos, Rules())
    assert not tracked.outcome.missing
    assert tracked.outcome.average() == pytest.approx(alone.average(), abs=0.1)
    assert list(tracked.scenes) == [video.name for video in videos]


@pytest.mark.slow
def test_one_command_makes_the_table_and_goes_on_where_it_was(tmp_path):
    command = [
        sys.executable,
        "benchmarks/ablation.py",
        "--out",
        tmp_path,
        "--scenes",
        "2",
        "--length",
        "24",
        "--seeds",
        "1",
    ]
    command += ["--base-steps", "1", "--steps", "1", "--row", "none", "--row", "data", "--row", "data + TSL"]
    for _ in range(2):
        done = subprocess.run(list(map(str, command)), cwd=Path(__file__).parents[1], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| none", "| data", "| data + TSL"]
    assert [line.split(" | ")[:2] for line in lines[8:]] == [["| data", "none"], ["| data + TSL", "data"]]
    assert (tmp_path / "gains.png").exists()
    assert done.stdout.rstrip().endswith(lines[-1])
