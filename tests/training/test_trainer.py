"""What happens round the steps of a run: moving average, checkpoints, rates, validations, early ends, longer runs."""

import json
import threading

import pytest
import torch

from sam2s.checkpoints import load_checkpoint
from sam2s.errors import ConfigError, OutputError
from sam2s.training.loop import train
from sam2s.training.lora import plain_state
from sam2s.training.state import checkpoints
from sam2s.training.validation import SCORE

QUICK = ("data.clips.picture_share=1", "data.clips.pictures=1", "prompts.rounds=0", "run.batch=1")
"""Steps of one picture and one click: what a step computes does not matter here."""


@pytest.fixture
def go(small, tmp_path):
    """Train such a run: `go("run.keep=1", out="a", validator=...)`; gives its outcome and folder."""

    def run(*overrides, out="run", **options):
        options = {"report_progress": lambda _: None, **options}
        return train(small(*QUICK, *overrides), tmp_path / out, device="cpu", **options), tmp_path / out

    return run


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def tensors(path):
    return {name: tensor.float() for name, tensor in load_checkpoint(path).state.items()}


def scripted(*scores):
    """A validator that answers with these scores, one a validation, and counts what it was given."""
    seen = []

    def validate(network):
        assert not network.training
        seen.append(plain_state(network))
        return {SCORE: scores[min(len(seen), len(scores)) - 1], f"{SCORE}_mask": 1.0}

    validate.seen = seen
    return validate


def test_the_written_weights_are_the_moving_average(go, weights):
    """After a step from w0 to w1 with decay d = min(0.9, 1/10): d w0 + (1 - d) w1, as `TrainState.update_ema` says."""
    _, plain = go("run.ema_decay=0", "schedule.length=1 steps", out="plain")
    _, mean = go("run.ema_decay=0.9", "schedule.length=1 steps", out="mean")
    start = tensors(weights)
    last, average = (tensors(folder / "weights.safetensors") for folder in (plain, mean))
    moved = [name for name in start if (last[name] - start[name]).abs().max() > 1e-3]
    assert len(moved) > 100
    for name in moved:
        wanted = 0.1 * start[name] + 0.9 * last[name]
        torch.testing.assert_close(average[name], wanted, rtol=2e-3, atol=2e-4)
    kept = torch.load(checkpoints(mean)[-1], weights_only=True)
    assert kept["ema"]["no_obj_ptr"].shape == start["no_obj_ptr"].shape


def test_the_average_goes_on_where_a_run_was_interrupted(go):
    _, whole = go("schedule.length=4 steps", out="whole")
    go("schedule.length=4 steps", out="parts", should_stop=iter([False, False, True]).__next__)
    assert [path.name for path in checkpoints(whole.parent / "parts")] == ["step-00000001.pt", "step-00000002.pt"]
    _, parts = go("schedule.length=4 steps", out="parts")
    a, b = (tensors(folder / "weights.safetensors") for folder in (whole, parts))
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("keep", [1, 3])
def test_as_many_checkpoints_are_kept_as_asked_for(go, keep):
    _, folder = go(f"run.keep={keep}", "schedule.length=5 steps")
    assert [path.name for path in checkpoints(folder)] == [f"step-{n:08}.pt" for n in range(6 - keep, 6)]


def test_rates_follow_the_schedule(go):
    _, folder = go("schedule.length=4 steps", "schedule.warmup=0.5", "schedule.final=0.2", "optimiser.lr=1e-3")
    assert [line["lr"] for line in log_of(folder)] == pytest.approx([0, 5e-4, 1e-3, 6e-4])


def test_the_best_weights_are_kept_beside_the_last(go):
    validator = scripted(10.0, 40.0, 20.0, 30.0)
    outcome, folder = go("schedule.length=3 steps", "validation.every=1", validator=validator)
    assert len(validator.seen) == 4, "the start, and each step once"
    best, last = tensors(folder / "best.safetensors"), tensors(folder / "weights.safetensors")
    assert outcome.best == folder / "best.safetensors"
    for name, tensor in validator.seen[1].items():
        torch.testing.assert_close(best[name], tensor, rtol=1e-3, atol=1e-4)
    assert any(not torch.equal(best[name], last[name]) for name in best)
    scores = [(line["step"], line[SCORE]) for line in log_of(folder) if SCORE in line]
    assert scores == [(0, 10), (1, 40), (2, 20), (3, 30)]
    stage = load_checkpoint(folder / "best.safetensors").metadata.training["stages"][-1]
    assert (stage["steps"], stage["validation"][SCORE]) == (1, 40)
    assert "<svg" in (folder / "curve.svg").read_text()


def test_validation_changes_nothing_that_is_learned(go):
    _, plain = go("schedule.length=3 steps", out="plain")
    _, watched = go("schedule.length=3 steps", "validation.every=1", out="watched", validator=scripted(1.0))
    a, b = (tensors(folder / "weights.safetensors") for folder in (plain, watched))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_ends_early_where_validations_gain_nothing(go):
    early = ("schedule.length=50 steps", "validation.every=1", "validation.patience=2")
    outcome, _ = go(*early, validator=scripted(10.0, 12.0, 11.0, 12.0))
    assert (outcome.step, outcome.stopped_early, outcome.signal) == (3, True, None)
    again, _ = go(*early, validator=scripted(0.0))
    assert (again.step, again.stopped_early) == (3, True), "and stays ended"
    more, _ = go(*early[:2], "validation.patience=0", "schedule.length=4 steps", validator=scripted(0.0))
    assert (more.step, more.stopped_early) == (4, False)


def test_an_interrupted_run_goes_on_with_its_validations(go):
    settings = ("schedule.length=3 steps", "validation.every=1")
    stop = iter([False, False, True]).__next__
    go(*settings, validator=scripted(10.0, 50.0, 20.0), should_stop=stop)
    _, folder = go(*settings, validator=scripted(30.0))
    scores = [(line["step"], line[SCORE]) for line in log_of(folder) if SCORE in line]
    assert scores == [(0, 10), (1, 50), (2, 20), (3, 30)]
    stage = load_checkpoint(folder / "best.safetensors").metadata.training["stages"][-1]
    assert stage["steps"] == 1, "the best is still that of the first part"


def test_a_finished_run_goes_on_if_it_is_made_longer(go):
    go("schedule.length=2 steps")
    outcome, folder = go("schedule.length=4 steps")
    assert outcome.step == 4
    assert [line["step"] for line in log_of(folder)] == [1, 2, 3, 4]
    stage = load_checkpoint(folder / "weights.safetensors").metadata.training["stages"][-1]
    assert (stage["steps"], stage["recipe"]["schedule"]["length"]) == (4, "4 steps")
    shorter, _ = go("schedule.length=3 steps")
    assert shorter.step == 4, "what is done is not undone"


def test_the_end_is_averaged_with_the_start(go, weights):
    settings = ("schedule.length=2 steps", "run.ema_decay=0")
    _, plain = go(*settings, out="plain")
    _, mean = go(*settings, "run.average_start=[0.25]", out="mean")
    start, last, average = tensors(weights), *(tensors(f / "weights.safetensors") for f in (plain, mean))
    for name in start:
        torch.testing.assert_close(average[name], 0.25 * start[name] + 0.75 * last[name], rtol=2e-3, atol=2e-4)
    stage = load_checkpoint(mean / "weights.safetensors").metadata.training["stages"][-1]
    assert stage["average_start"] == 0.25


@pytest.mark.parametrize(("scores", "share"), [((10, 20, 15, 30, 5), 0.5), ((10, 20, 15, 5, 5), None)])
def test_of_several_averages_the_best_is_written_if_it_is_better(go, weights, scores, share):
    """The start, the end of the run, then shares 0.25, 0.5, 0.75."""
    validator = scripted(*map(float, scores))
    settings = ("schedule.length=2 steps", "validation.every=2", "run.average_start=[0.25, 0.5, 0.75]")
    outcome, folder = go(*settings, validator=validator)
    assert len(validator.seen) == 5
    written, start, learned = (tensors(folder / "weights.safetensors"), tensors(weights), validator.seen[1])
    for name in start:
        wanted = learned[name] if share is None else share * start[name] + (1 - share) * learned[name]
        torch.testing.assert_close(written[name], wanted, rtol=2e-3, atol=2e-4)
    best = tensors(outcome.best)
    assert all(torch.equal(best[name], written[name]) for name in best)
    lines = [line for line in log_of(folder) if "start_share" in line]
    assert [line["start_share"] for line in lines] == [0.25, 0.5, 0.75]


def test_several_averages_need_something_to_choose_by(small):
    with pytest.raises(ConfigError, match=r"average_start is \[0\.25, 0\.5\], and nothing tells which is best"):
        small("run.average_start=[0.25, 0.5]")
    with pytest.raises(ConfigError, match=r"patience needs validations; set validation\.every"):
        small("validation.patience=3")


def test_each_step_is_told(go):
    told = []
    go("schedule.length=2 steps", on_step=lambda step, share, record: told.append((step, share, record["loss"])))
    assert [(step, share) for step, share, _ in told] == [(1, 0.5), (2, 1.0)]


def test_a_run_can_be_started_from_any_thread(go):
    """As an application does; signals are then its own business."""
    found = []
    thread = threading.Thread(target=lambda: found.append(go("schedule.length=1 steps")[0].step))
    thread.start()
    thread.join(120)
    assert found == [1]


def test_a_length_in_minutes_ends_by_the_clock(go):
    outcome, folder = go("schedule.length=0.01 minutes")
    assert 1 <= outcome.step == len(log_of(folder))
    assert log_of(folder)[-1]["minutes"] <= 0.01 + log_of(folder)[-1]["seconds"] / 60


def test_two_trainings_do_not_write_one_folder(go):
    def second(*_):
        go("schedule.length=1 steps")

    with pytest.raises(OutputError, match=r"run: process \d+ is writing it; wait for it, or choose another --out"):
        go("schedule.length=1 steps", on_step=second)


def test_a_full_disk_is_said(go, monkeypatch):
    def full(*_):
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0\nmore")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match=r"cannot write .*step-00000001\.pt: .*unexpected pos.*; free space there"):
        go("schedule.length=1 steps")


def test_a_folder_that_cannot_be_written_is_said(go, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        go("schedule.length=1 steps", out="file/run")
