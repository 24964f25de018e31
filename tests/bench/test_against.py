"""Two implementations are held against each other only where they compute the same network."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_tools import NANO, nano
from sam2s.bench.against import SideTimes, SpeedComparison, complaint
from sam2s.bench.report import comparison_table
from sam2s.bench.sam2s_side import sam2s_side
from sam2s.bench.transformers_side import transformers_config
from sam2s.checkpoints import save_checkpoint
from sam2s.errors import ConfigError
from sam2s.evaluation.agreement import largest_difference
from sam2s.model import build, preset


def test_the_cls_token_that_others_lack_is_left_out_of_ours(tmp_path):
    model = nano(semantic="joint", categories=("hook",))
    plain = build(NANO)
    plain.load_state_dict({name: model.state_dict()[name] for name in plain.state_dict()})
    answers = []
    for number, network in enumerate((model, plain)):
        path = tmp_path / f"{number}.safetensors"
        save_checkpoint(path, network.state_dict(), network.config, dtype="fp32")
        answers.append(list(sam2s_side(path, torch.device("cpu"), torch.float32, 3, 1)))
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)


def test_the_report_says_that_the_cls_token_is_left_out():
    side = SideTimes("sam2s", 1, 1, 1, 1, 1, 1)
    assert "without the CLS token" in comparison_table(SpeedComparison(side, side, 0, 0, without_cls=True))
    assert "CLS" not in comparison_table(SpeedComparison(side, side, 0, 0, without_cls=False))


def test_networks_that_transformers_cannot_compute_are_refused():
    pytest.importorskip("transformers")
    with pytest.raises(ConfigError, match=r"the network 'micro': .* global block 8, .* such as random:tiny"):
        transformers_config(preset("micro"))
    assert transformers_config(replace(preset("micro"), global_blocks=(4, 5, 6, 7)))
    assert transformers_config(preset("tiny"))


def test_what_a_process_says_is_passed_on():
    assert complaint("official", 1, "a warning\nsam2s: it is not\ninstalled\n") == "it is not\ninstalled"
    said = complaint("official", -9, "Traceback\n" + "  frame\n" * 40 + "ZeroDivisionError: by zero\n")
    assert "'official' ended with status -9" in said
    assert said.endswith("ZeroDivisionError: by zero")
    assert len(said.splitlines()) == 11
    assert complaint("official", -9, "").endswith("it said nothing")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_agrees_with_nothing(value):
    numbers, broken = np.zeros(3), np.array([0, value, 1])
    assert largest_difference(numbers, numbers + 0.5) == 0.5
    assert largest_difference(numbers, broken) == largest_difference(broken, broken) == np.inf
