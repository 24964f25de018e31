"""What a run tells: means over batches, lines, and Weights & Biases without a network."""

import json
import math

import numpy as np
import pytest
import torch

from sam2s.errors import MissingExtraError, OutputError
from sam2s.training.pace import Pace
from sam2s.training.processes import Processes
from sam2s.training.run_log import Means, RunLog

ALONE = Processes(0, 1, torch.device("cpu"))


def log(folder, *, step=0, **options):
    return RunLog(folder, step=step, pace=Pace(0, 10, by_clock=False), active=True, **options)


def test_means_are_weighted_and_begin_anew():
    means = Means()
    means.add({"loss": torch.tensor(2.0), "iou": 1.0}, weight=3)
    means.add({"loss": 6.0})
    assert means.collect(ALONE) == {"iou": 1.0, "loss": 3.0}
    assert means.collect(ALONE) == {}


def test_lines_and_where_the_run_stands(tmp_path, capsys):
    with log(tmp_path) as run_log:
        run_log.line({"step": 1, "loss": 1.23456789, "seconds": 0.5}, 1)
        run_log.validation(1, 0.1, {"val_jf": 50.0}, best=True)
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert records == [{"step": 1, "loss": 1.23457, "seconds": 0.5}, {"step": 1, "minutes": 0.1, "val_jf": 50.0}]
    told = capsys.readouterr().err
    assert "step 1 of 10, " in told
    assert " left  loss 1.23  0.50 s a step" in told
    assert "validation after step 1  jf 50.0  the best so far" in told


def test_lines_of_steps_that_are_made_again_are_dropped(tmp_path):
    lines = ['{"step": 1, "loss": 1}', '{"step": 2, "loss": 2}', '{"step": "x"}', "[]", '{"step": 3, "l']
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    with log(tmp_path, step=1):
        pass
    assert (tmp_path / "log.jsonl").read_text() == lines[0] + "\n"


def test_other_processes_write_nothing(tmp_path):
    with RunLog(tmp_path, step=0, pace=Pace(0, 10, by_clock=False), active=False) as run_log:
        run_log.line({"step": 1, "loss": 1.0, "seconds": 1.0}, 1)
        run_log.validation(1, 0.1, {"val_jf": 1.0}, best=True)
    assert not list(tmp_path.iterdir())


def test_a_log_that_cannot_be_written(tmp_path):
    with log(tmp_path) as run_log:
        run_log.log.mkdir()
        with pytest.raises(OutputError, match=r"cannot write .*log\.jsonl: .*; free space there"):
            run_log.line({"step": 1, "loss": 1.0, "seconds": 1.0}, 1)


@pytest.mark.slow
def test_wandb_records_a_run_without_a_network(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with log(tmp_path, wandb="offline", settings={"run": {"seed": 1}}) as run_log:
        run_log.line({"step": 1, "loss": 1.0, "seconds": 1.0}, 1)
        run_log.picture(np.zeros((4, 4, 3), np.uint8), 1)
    (record,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    assert record.stat().st_size > 100


def test_wandb_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(MissingExtraError, match=r"run\.wandb needs wandb .*: pip install '\.\[wandb\]'"):
        log(tmp_path, wandb="offline")


def test_what_is_no_number_can_be_logged(tmp_path):
    with log(tmp_path) as run_log:
        run_log.line({"step": 1, "loss": math.inf, "seconds": 1.0}, 1)
    assert "Infinity" in (tmp_path / "log.jsonl").read_text()
