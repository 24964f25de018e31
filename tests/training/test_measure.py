"""How long a run will take: which steps are counted, and that nothing of them is kept."""

import re
import tempfile

import pytest
import torch

from sam2s.errors import ConfigError
from sam2s.training import measure as module
from sam2s.training.measure import measure
from sam2s.training.processes import Processes

ALONE = Processes(0, 1, torch.device("cpu"))
QUICK = ("data.clips.picture_share=1", "data.clips.pictures=1", "prompts.rounds=0", "run.batch=1")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("steps", [1, 3])
def test_the_first_step_is_not_counted(small, places, steps):
    text = measure(small(*QUICK, "schedule.length=1234 steps"), ALONE, steps)
    assert re.fullmatch(
        rf"\d+\.\d\d s a step, measured on {steps}: [\d dhmins]+ for 1,234 steps; \d+\.\d GiB used", text
    ), text
    assert list(places.iterdir()) == [], "nothing of the steps is kept"


def test_a_length_in_minutes_tells_how_many_steps_it_has(small, places):
    text = measure(small(*QUICK, "schedule.length=10 minutes"), ALONE, 1)
    each, steps = re.fullmatch(
        r"(\d+\.\d\d) s a step, measured on 1: about ([\d,]+) steps in 10 min; \d+\.\d GiB used", text
    ).groups()
    low, high = 600 / (float(each) + 0.006), 600 / max(float(each) - 0.006, 1e-3)
    assert low - 1 <= int(steps.replace(",", "")) <= high + 1


def test_a_slow_machine_is_not_kept_waiting(small, places, monkeypatch):
    """Where the first step takes all the time there is, it is the only one, and counts."""
    monkeypatch.setattr(module, "MOST_SECONDS", 0.0)
    assert "measured on 1:" in measure(small(*QUICK), ALONE, 50)


def test_steps_without_a_second_count_the_first(small, places):
    assert "measured on 1:" in measure(small(*QUICK), ALONE, 0)


def test_what_cannot_be_followed_is_refused_and_leaves_nothing(small, places):
    with pytest.raises(ConfigError, match="cannot be shared out evenly"):
        measure(small("run.batch=3", "data.clips.clips=2"), ALONE, 1)
    assert list(places.iterdir()) == []
