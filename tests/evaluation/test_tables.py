"""The text of a report, from outcomes made by hand."""

import math
import re

import pytest

from sam2s.evaluation.absence import PresenceCounts, Reentry, group_reentries
from sam2s.evaluation.diagnostic_tables import diagnostic_tables
from sam2s.evaluation.markdown_table import number, table
from sam2s.evaluation.outcome import ClickStatistics, Diagnostics, EvalOutcome, NameAccuracy, Speed
from sam2s.evaluation.plan import EvalRun
from sam2s.evaluation.probe import ProbeCounts
from sam2s.evaluation.record import MemoryUse
from sam2s.evaluation.rules import Prompting, Rules
from sam2s.evaluation.sequence import FrameScore, ObjectScore
from sam2s.evaluation.tables import markdown
from sam2s.quality.figures import QualityFigures

NONE = ClickStatistics(math.nan, math.nan, math.nan)


def diagnostics(**values):
    plain = {
        "switches": 0,
        "by_mask": PresenceCounts(8, 1, 2, 3),
        "by_claim": None,
        "calibration": math.nan,
        "reliability": [],
        "names": NameAccuracy(),
        "first_frame": [],
        "reentry": group_reentries([]),
        "memory": None,
    }
    return Diagnostics(**{**plain, **values})


def outcome(label="mine", prompt=Prompting.MASK, j=0.5, subset="a", speed=None, clicks=NONE, hidden=None, **values):
    score = ObjectScore("a/v", 1, ("1",), (FrameScore(j, j, True, True, 1),), subset)
    speed = speed or Speed(12.34, 1, 2, 3, 1)
    run = EvalRun(label, "sam2s", prompt)
    return EvalOutcome(run, [score], speed, clicks, hidden or diagnostics(), {}, hardware=("a chip",), **values)


def rows(text, title):
    """Cells of the table under a title, the head first."""
    section = text.split(f"## {title}")[1].split("\n## ")[0]
    lines = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in (lines[0], *lines[2:])]


def test_a_table_is_in_line_and_its_numbers_stand_right():
    text = table(["Model", "J"], [["a long name", "1.00"], ["b", "100.00"]])
    assert text.splitlines() == [
        "| Model       |      J |",
        "| ----------- | -----: |",
        "| a long name |   1.00 |",
        "| b           | 100.00 |",
    ]


@pytest.mark.parametrize(("value", "text"), [(1.005, "1.00"), (math.nan, "-"), (None, "-"), (99.999, "100.00")])
def test_numbers(value, text):
    assert number(value) == text


def test_every_row_stands_in_the_table_of_its_prompt():
    text = markdown([outcome(), outcome("other", j=0.25), outcome(prompt=Prompting.BOX, j=1)])
    assert rows(text, "mask") == [
        ["Model", "Res", "a", "Avg", "FPS"],
        ["**mine**", "-", "50.00", "50.00", "12.3"],
        ["**other**", "-", "25.00", "25.00", "12.3"],
    ]
    assert rows(text, "box")[1:] == [["**mine**", "-", "100.00", "100.00", "12.3"]]
    averages = rows(text, "Average over subsets (as in Table 4 of the paper)")
    assert averages == [["Model", "box", "mask"], ["**mine**", "100.00", "50.00"], ["**other**", "-", "25.00"]]
    assert "The paper's rows are left out" in text


def test_the_papers_rows_stand_above_ours_in_its_columns():
    text = markdown([outcome(prompt=Prompting.CLICK_3, subset="EV17")])
    lines = rows(text, "3-click")
    assert lines[0][2] == "EV17"
    paper = [line for line in lines[1:] if not line[0].startswith("**")]
    assert lines.index(paper[-1]) < lines.index(next(line for line in lines if line[0] == "**mine**"))
    ours = lines[-1]
    assert (ours[2], ours[3], ours[-2]) == ("50.00", "-", "-")  # no average unless all eight are there
    assert "The paper's rows are left out" not in text


def test_what_is_of_a_part_of_a_benchmark_is_marked_everywhere():
    text = markdown(
        [outcome(prompt=Prompting.CLICK_3, subset="EV17", partial=frozenset({"EV17"})), outcome("b", subset="c")]
    )
    assert all("**mine** †" in section for section in text.split("\n## ") if "**mine**" in section)
    assert rows(text, "3-click")[-1][2] == "50.00 †"
    assert "**b** †" not in text


def test_missing_videos_and_notes_are_listed():
    found = outcome(notes={"read so": ["a/v", "a/w"]}, incomplete=frozenset({"a"}))
    found.missing.update(
        {"b/x": "no memory", "b/y": "no memory", "b/z": "no memory", "b/w": "no memory", "c/u": "late"}
    )
    text = markdown([found], ["A remark."])
    assert "- mine, mask, a/v, a/w: read so" in text
    assert "- b/x, b/y, b/z and 1 more (mine, mask): no memory" in text
    assert "- c/u (mine, mask): late" in text
    assert "A remark." in text
    assert rows(text, "mask")[1][2:4] == ["50.00*", "-"]


def test_all_objects():
    hidden = diagnostics(switches=3, calibration=5.5, names=NameAccuracy(0.625, 8, 4))
    text = "\n".join(diagnostic_tables([outcome(clicks=ClickStatistics(3, 2.5, 0.75), hidden=hidden)]))
    head, row = rows(text, "All objects")
    assert dict(zip(head, row, strict=True)) == {
        **{"Model": "**mine**", "Prompt": "mask", "J": "50.00", "F": "50.00", "J&F": "50.00", "Objects": "1"},
        **{"Presence P": "88.89", "Presence R": "80.00", "ID switches": "3", "IoU calibration": "5.50"},
        **{"Category": "62.50", "Clicks": "3.00", "Clicks needed": "2.50 (75 %)"},
    }


def test_absence():
    probes = {"black": ProbeCounts(16, 4, 8), "other": ProbeCounts(16, 16, None)}
    hidden = diagnostics(by_claim=PresenceCounts(9, 1, 1, 3), probes=probes, presence_auroc=0.8125)
    head, row, plain = rows("\n".join(diagnostic_tables([outcome(hidden=hidden), outcome()])), "Absence")
    assert dict(zip(head[2:], row[2:], strict=True)) == {
        **{"Absent frames": "4", "False masks": "25.00", "False visible": "25.00", "Missed": "10.00"},
        **{"Presence AUROC": "0.812", "Black: masks": "25.00", "Black: visible": "50.00"},
        **{"Other scene: masks": "100.00", "Other scene: visible": "-"},
    }
    assert plain[4:] == ["-"] * 7


def test_returns_first_frames_and_memory_only_where_there_are_any():
    text = "\n".join(diagnostic_tables([outcome()]))
    assert re.findall(r"^## (.*)", text, re.M) == ["All objects", "Absence", "Speed"]
    hidden = diagnostics(
        reentry=group_reentries([Reentry(7, 0.5, 0.7), Reentry(8, 0.1, 0.1)]),
        first_frame=[0.5, 0.625],
        memory=MemoryUse(4, 20, 16, 10, 5),
    )
    text = "\n".join(
        diagnostic_tables([outcome(hidden=hidden), outcome("box", hidden=diagnostics(first_frame=[0.25]))])
    )
    assert rows(text, "J&F after a return")[1][2:] == ["-", "35.00 (2)", "-", "-"]
    assert rows(text, "First frame") == [
        ["Model", "Prompt", "1 click", "2 clicks"],
        ["**mine**", "mask", "50.00", "62.50"],
        ["**box**", "mask", "25.00", "-"],
    ]
    assert rows(text, "Long-term memory")[1:] == [["**mine**", "mask", "4", "20.00", "50.00", "25.00"]]


def test_speed_names_the_chip():
    text = "\n".join(diagnostic_tables([outcome(), outcome("b", speed=Speed(*[math.nan] * 4, 2))]))
    assert rows(text, "Speed")[1:] == [
        ["**mine**", "mask", "12.3", "1.00", "2.00", "3.00", "1.0"],
        ["**b**", "mask", "-", "-", "-", "-", "2.0"],
    ]
    assert "End to end on a chip;" in text


def test_an_outcome_as_plain_values():
    data = outcome(clicks=ClickStatistics(3, 2, 1)).to_json(Rules())
    assert (data["label"], data["prompt"], data["weights"]) == ("mine", "mask", "micro")
    assert data["clicks"] == {"given": 3, "needed": 2, "reached": 1}
    assert (data["calibration_error"], data["category_accuracy"], data["long_term_memory"]) == (None, None, None)
    assert data["absence"] == {"absent_frames": 4, "false_masks": 25, "false_visible": None, "missed": None} | {
        "presence_auroc": None
    }
    assert [group["absence"] for group in data["reentry"]] == ["1-4", "5-19", "20-99", "100+"]


def test_claims_calibration_and_memory_as_plain_values():
    hidden = diagnostics(
        by_claim=PresenceCounts(9, 1, 1, 3),
        presence_auroc=0.8125,
        calibration=5.5,
        reliability=[(0.91234567, 0.5, 3)],
        names=NameAccuracy(0.625, 8, 4),
        first_frame=[0.5, 0.75],
        reentry=group_reentries([Reentry(7, 0.5, 0.7)]),
        memory=MemoryUse(4, 20, 16, 10, 5),
        probes={"other": ProbeCounts(16, 4, None)},
    )
    data = outcome(hidden=hidden).to_json(Rules())
    assert data["absence"] == {
        **{"absent_frames": 4, "false_masks": 25, "false_visible": 25, "missed": 10, "presence_auroc": 0.8125},
        "other": {"frames": 16, "masks": 25, "visible": None},
    }
    assert (data["calibration_error"], data["reliability"]) == (5.5, [[0.9123, 0.5, 3]])
    assert (data["category_accuracy"], data["category_objects"], data["category_names"]) == (62.5, 8, 4)
    assert data["first_frame_j"] == [50, 75]
    assert data["reentry"][1] == {"absence": "5-19", "returns": 1, "jf": 60}
    assert data["long_term_memory"] == {"fill": 20, "used": 50, "stored_per_100_frames": 25}
    vanilla = outcome(hidden=diagnostics(memory=MemoryUse(0, 20))).to_json(Rules())["long_term_memory"]
    assert vanilla == {"fill": None, "used": 0, "stored_per_100_frames": 0}


def test_quality_is_a_table_of_its_own_where_masks_were_judged():
    figures = QualityFigures(200, 50, 12.0, 4.0, 0.8, 0.95, 0.3, 0.35, 0.4)
    judged = outcome(hidden=diagnostics(quality=figures, false_alarms=2.5))
    head, row = rows("\n".join(diagnostic_tables([judged, outcome("box")])), "Quality")
    assert head[2:] == [
        *("Masks", "Bad", "Error", "Calibrated", "AUROC", "Calibrated AUROC", "Caught", "At most", "False alarms")
    ]
    assert row == ["**mine**", "mask", "200", "25.00", "12.00", "4.00", "0.800", "0.950", "35.00", "40.00", "2.5"]
    assert "## Quality" not in "\n".join(diagnostic_tables([outcome()]))
    saved = judged.diagnostics.to_json()["quality"]
    assert (saved["error_after"], saved["false_alarms_per_1000_frames"]) == (4.0, 2.5)
