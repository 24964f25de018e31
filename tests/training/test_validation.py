"""Which weights were best, and what an average with the start is."""

import math

import pytest
import torch

from sam2s.errors import ConfigError
from sam2s.training.validation import SCORE, ValidationRecord, ValidationSettings, averaged


def test_the_best_so_far_and_how_long_ago_it_was():
    record = ValidationRecord()
    noted = [record.note(step, {SCORE: score}) for step, score in enumerate([10.0, 12.0, 12.0, 11.0, 13.0])]
    assert noted == [True, True, False, False, True], "an equal one is no gain"
    assert (record.best, record.best_step, record.without_gain, record.step) == (13.0, 4, 0, 4)


def test_a_score_of_0_is_better_than_none():
    assert ValidationRecord().note(0, {SCORE: 0.0})
    assert not ValidationRecord().note(0, {SCORE: math.nan})


def test_averages_leave_whole_numbers_alone():
    start = {"w": torch.tensor([0.0, 4.0]), "n": torch.tensor(3)}
    mean = averaged(start, {"w": torch.tensor([8.0, 0.0]), "n": torch.tensor(7)}, 0.25)
    assert mean["w"].tolist() == [6.0, 1.0]
    assert mean["n"].item() == 7


def test_settings_that_cannot_work():
    with pytest.raises(ConfigError, match="every is -1; it must be at least 0"):
        ValidationSettings(every=-1)
    with pytest.raises(ConfigError, match="prompts is empty; give at least one"):
        ValidationSettings(prompts=())
